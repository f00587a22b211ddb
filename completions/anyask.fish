complete -c anyask -s f -l file -d 'A file that the prompt is about; repeatable' -r -F
complete -c anyask -s s -l system -d 'The system prompt' -r -f
complete -c anyask -l system-file -d 'Read the system prompt from a file' -r -F
complete -c anyask -l prefill -d 'The first words of the answer' -r -f
complete -c anyask -s c -l chat -d 'Go on with the conversation kept in FILE' -r -F
complete -c anyask -s m -l model -d 'The model, or sonnet, opus, haiku for short' -r -f -a "sonnet\t'claude-3-5-sonnet-20241022'
opus\t'claude-3-opus-20240229'
haiku\t'claude-3-haiku-20240307'
claude-3-5-sonnet-20241022\t'complex reasoning, analysis'
claude-3-opus-20240229\t'complex tasks, creative writing'
claude-3-sonnet-20240229\t'general purpose, coding'
claude-3-haiku-20240307\t'simple tasks, quick responses'"
complete -c anyask -l max-tokens -d 'Most tokens in the answer [default: 4096]' -r -f
complete -c anyask -s t -l temperature -d 'Randomness, from 0.0 to 1.0' -r -f
complete -c anyask -l top-p -d 'Nucleus sampling, from 0.0 to 1.0' -r -f
complete -c anyask -l stop -d 'Stop where the answer says this; repeatable' -r -f
complete -c anyask -l set -d 'Any other field of the request; repeatable' -r -f
complete -c anyask -l base-url -d 'The server, instead of api.anyrouter.top' -r -f
complete -c anyask -l auth -d 'bearer or x-api-key [default: bearer]' -r -f -a "bearer\t'\'authorization: Bearer KEY\', as AnyRouter documents it'
x-api-key\t'\'x-api-key: KEY\', as the upstream API wants it'"
complete -c anyask -l api-key-file -d 'A file whose content is the API key' -r -F
complete -c anyask -l api-key-command -d 'A command that prints the API key' -r -f -a "(__fish_complete_command)"
complete -c anyask -s H -l header -d 'A further header, or @FILE; repeatable' -r -f
complete -c anyask -l retries -d 'Send again this often [default: 2]' -r -f
complete -c anyask -l retry-delay -d 'First pause, doubled each time [default: 1]' -r -f
complete -c anyask -l max-wait -d 'Longest pause a server gets [default: 60]' -r -f
complete -c anyask -l timeout -d 'Longest silence of the server [default: 300]' -r -f
complete -c anyask -l connect-timeout -d 'Longest wait for a connection [default: 10]' -r -f
complete -c anyask -l mock -d 'Rehearse: no key, no credits, an echo' -r -f
complete -c anyask -s o -l output -d 'Write the answer to FILE when it is whole' -r -F
complete -c anyask -l price -d 'Dollars per million tokens [default: 0.3,1.5]' -r -f
complete -c anyask -l log -d 'Append one JSON line a request to FILE' -r -F
complete -c anyask -l color -d 'Colour on stderr: auto, always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c anyask -l batch -d 'Ask many questions: one item a line' -r -F
complete -c anyask -s j -l jobs -d 'Requests under way at once [default: 4]' -r -f
complete -c anyask -l min-credits -d 'Start nothing more below these credits' -r -f
complete -c anyask -s p -l profile -d 'Take the flags in the profile NAME too' -r -f
complete -c anyask -l generate -d 'Print the man page or shell completions' -r -f -a "man\t''
complete-bash\t''
complete-zsh\t''
complete-fish\t''
complete-powershell\t''
complete-elvish\t''
complete-nushell\t''"
complete -c anyask -l no-stdin -d 'Never read standard input'
complete -c anyask -l allow-http -d 'Send the key over http:// to any host'
complete -c anyask -s S -l no-stream -d 'Print the answer when it is whole'
complete -c anyask -l json -d 'Print the server\'s JSON, byte for byte'
complete -c anyask -l stream -d 'Print what comes as it comes'
complete -c anyask -s x -l extract -d 'Print only the first fenced code block'
complete -c anyask -s u -l usage -d 'One line on stderr: tokens, cost, limits'
complete -c anyask -s v -l verbose -d 'Show request, headers and timing on stderr'
complete -c anyask -s q -l quiet -d 'No notes and no progress on stderr'
complete -c anyask -l strict -d 'Exit 11 if the answer stopped short'
complete -c anyask -l raw -d 'Let terminal escapes through'
complete -c anyask -s k -l keep-order -d 'Results in the order of the items'
complete -c anyask -l resume -d 'Skip what -o FILE has an answer to'
complete -c anyask -l no-config -d 'Read no configuration file'
complete -c anyask -l dry-run -d 'Print the request\'s body; send nothing'
complete -c anyask -l curl -d 'Print the request as a curl command'
complete -c anyask -l list-models -d 'Print the documented models'
complete -c anyask -s h -l help -d 'Print help (see more with \'--help\')'
complete -c anyask -s V -l version -d 'Print version'
