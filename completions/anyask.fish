complete -c anyask -s f -l file -d 'Add a file to the prompt; repeatable' -r -F
complete -c anyask -l files-from -d 'Add the files whose paths are in LIST' -r -F
complete -c anyask -l prompt-file -d 'Read the prompt from a file' -r -F
complete -c anyask -s s -l system -d 'System prompt' -r -f
complete -c anyask -l system-file -d 'Read the system prompt from a file' -r -F
complete -c anyask -l prefill -d 'First words of the answer' -r -f
complete -c anyask -s c -l chat -d 'Continue the conversation in FILE, or start it' -r -F
complete -c anyask -s m -l model -d 'Model ID, or sonnet, opus or haiku' -r -f -a "sonnet\t'claude-3-5-sonnet-20241022'
opus\t'claude-3-opus-20240229'
haiku\t'claude-3-haiku-20240307'
claude-3-5-sonnet-20241022\t'complex reasoning, analysis'
claude-3-opus-20240229\t'complex tasks, creative writing'
claude-3-sonnet-20240229\t'general purpose, coding'
claude-3-haiku-20240307\t'simple tasks, quick responses'"
complete -c anyask -l alias -d 'Give a model a name of your own; repeatable' -r -f
complete -c anyask -l fallback -d 'Model to ask if the others fail; repeatable' -r -f -a "sonnet\t'claude-3-5-sonnet-20241022'
opus\t'claude-3-opus-20240229'
haiku\t'claude-3-haiku-20240307'
claude-3-5-sonnet-20241022\t'complex reasoning, analysis'
claude-3-opus-20240229\t'complex tasks, creative writing'
claude-3-sonnet-20240229\t'general purpose, coding'
claude-3-haiku-20240307\t'simple tasks, quick responses'"
complete -c anyask -l max-tokens -d 'Maximum answer tokens [default: by model]' -r -f
complete -c anyask -s t -l temperature -d 'Randomness, from 0.0 to 1.0' -r -f
complete -c anyask -l top-p -d 'Nucleus sampling, from 0.0 to 1.0' -r -f
complete -c anyask -l stop -d 'Stop sequence; repeatable' -r -f
complete -c anyask -l set -d 'Set another request field; repeatable' -r -f
complete -c anyask -l base-url -d 'Server URL' -r -f
complete -c anyask -l auth -d 'bearer or x-api-key [default: bearer]' -r -f -a "bearer\t'authorization: Bearer KEY, as AnyRouter documents it'
x-api-key\t'x-api-key: KEY, as the upstream API wants it'"
complete -c anyask -l api-key-file -d 'Read the API key from a file' -r -F
complete -c anyask -l api-key-command -d 'Run a command that prints the API key' -r -f -a "(__fish_complete_command)"
complete -c anyask -s H -l header -d 'Add a header \'Name: value\'; repeatable' -r -f -a '(set -l path (commandline -ct | string replace -rf "^(-H|--header=)?@" ""); for file in $path*; echo @$file; end)'
complete -c anyask -l retries -d 'Retry a failed request N times [default: 2]' -r -f
complete -c anyask -l retry-delay -d 'Seconds before the first retry [default: 1]' -r -f
complete -c anyask -l max-wait -d 'Longest wait a server may set [default: 60]' -r -f
complete -c anyask -l timeout -d 'Longest time without data [default: 300]' -r -f
complete -c anyask -l max-time -d 'Longest time for a question in all' -r -f
complete -c anyask -l connect-timeout -d 'Longest time to connect [default: 10]' -r -f
complete -c anyask -l record -d 'Ask, and add each answer to FILE' -r -F
complete -c anyask -l replay -d 'Answer from FILE, without a server' -r -F
complete -c anyask -l check -d 'Print the answer only if a command accepts it' -r -f -a "(__fish_complete_command)"
complete -c anyask -l check-retries -d 'Ask again N times if --check fails [default: 1]' -r -f
complete -c anyask -s o -l output -d 'Write the answer to FILE when it is complete' -r -F
complete -c anyask -l price -d 'Dollars per million tokens; repeatable' -r -f
complete -c anyask -l log -d 'Append one JSON line per question to FILE' -r -F
complete -c anyask -l color -d 'Colour: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c anyask -l batch -d 'Ask one question per line of ITEMS' -F
complete -c anyask -s j -l jobs -d 'Number of parallel requests [default: 4]' -r -f
complete -c anyask -l rate -d 'At most N requests per second, minute or hour' -r -f
complete -c anyask -l min-credits -d 'Stop the batch when credits fall below USD' -r -f
complete -c anyask -l max-cost -d 'Stop the batch when it has cost USD' -r -f
complete -c anyask -l list-models -d 'Print the documented models, or the server\'s' -f -a "documented\t''
server\t''"
complete -c anyask -l generate -d 'Print the man page or shell completions' -r -f -a "man\t''
complete-bash\t''
complete-zsh\t''
complete-fish\t''
complete-powershell\t''
complete-elvish\t''
complete-nushell\t''"
complete -c anyask -s p -l profile -d 'Also use the flags in a profile' -r -f -a '(command ls (test -n "$XDG_CONFIG_HOME" && echo $XDG_CONFIG_HOME || echo ~/.config)/anyask/profiles 2>/dev/null | string match -v "*.*")'
complete -c anyask -l mock -d 'Answer from a built-in test server' -f -a "ok\t''
cut\t''
max_tokens\t''
refusal\t''
quota\t''
botcheck\t''
overloaded\t''
401\t''
429\t''
500\t''
529\t''"
complete -c anyask -s n -l line-numbers -d 'Number the lines of text files'
complete -c anyask -l no-stdin -d 'Never read standard input'
complete -c anyask -l cache -d 'Cache system prompt and files on the server'
complete -c anyask -l allow-http -d 'Allow http:// to any host'
complete -c anyask -s S -l no-stream -d 'Print the answer when it is complete'
complete -c anyask -l json -d 'Print the server\'s JSON, byte for byte'
complete -c anyask -l stream -d 'Print the answer as it arrives'
complete -c anyask -s x -l extract -d 'Print only the first fenced code block'
complete -c anyask -s u -l usage -d 'Print tokens, cost and limits on stderr'
complete -c anyask -s v -l verbose -d 'Print request, headers and timing on stderr'
complete -c anyask -s q -l quiet -d 'Print no notes and no progress'
complete -c anyask -l strict -d 'Exit with status 11 if the answer stopped short'
complete -c anyask -l raw -d 'Do not sanitize terminal escapes'
complete -c anyask -s k -l keep-order -d 'Print results in the order of the items'
complete -c anyask -l resume -d 'Skip items that have an answer in -o FILE'
complete -c anyask -l no-config -d 'Do not read ~/.config/anyask/config'
complete -c anyask -l dry-run -d 'Print the request body and send nothing'
complete -c anyask -l curl -d 'Print a curl command and send nothing'
complete -c anyask -s h -l help -d 'Print help (see more with \'--help\')'
complete -c anyask -s V -l version -d 'Print version'
