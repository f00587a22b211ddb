
use builtin;
use str;

set edit:completion:arg-completer[anyask] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'anyask'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'anyask'= {
            cand -f 'Add a file to the prompt; repeatable'
            cand --file 'Add a file to the prompt; repeatable'
            cand --files-from 'Add the files whose paths are in LIST'
            cand --prompt-file 'Read the prompt from a file'
            cand -s 'System prompt'
            cand --system 'System prompt'
            cand --system-file 'Read the system prompt from a file'
            cand --prefill 'First words of the answer'
            cand -c 'Continue the conversation in FILE, or start it'
            cand --chat 'Continue the conversation in FILE, or start it'
            cand -m 'Model ID, or sonnet, opus or haiku'
            cand --model 'Model ID, or sonnet, opus or haiku'
            cand --fallback 'Model to ask if the others fail; repeatable'
            cand --max-tokens 'Maximum tokens in the answer [default: 4096]'
            cand -t 'Randomness, from 0.0 to 1.0'
            cand --temperature 'Randomness, from 0.0 to 1.0'
            cand --top-p 'Nucleus sampling, from 0.0 to 1.0'
            cand --stop 'Stop sequence; repeatable'
            cand --set 'Set another request field; repeatable'
            cand --base-url 'Server URL'
            cand --auth 'bearer or x-api-key [default: bearer]'
            cand --api-key-file 'Read the API key from a file'
            cand --api-key-command 'Run a command that prints the API key'
            cand -H 'Add a header ''Name: value''; repeatable'
            cand --header 'Add a header ''Name: value''; repeatable'
            cand --retries 'Retry a failed request N times [default: 2]'
            cand --retry-delay 'Seconds before the first retry [default: 1]'
            cand --max-wait 'Longest wait a server may set [default: 60]'
            cand --timeout 'Longest time without data [default: 300]'
            cand --connect-timeout 'Longest time to connect [default: 10]'
            cand --mock 'Answer from a built-in test server'
            cand --record 'Ask, and add each answer to FILE'
            cand --replay 'Answer from FILE, without a server'
            cand --check 'Print the answer only if a command accepts it'
            cand --check-retries 'Ask again N times if --check fails [default: 1]'
            cand -o 'Write the answer to FILE when it is complete'
            cand --output 'Write the answer to FILE when it is complete'
            cand --price 'Dollars per million tokens; repeatable'
            cand --log 'Append one JSON line per question to FILE'
            cand --color 'Colour: auto, always or never'
            cand --batch 'Ask one question per line of ITEMS'
            cand -j 'Number of parallel requests [default: 4]'
            cand --jobs 'Number of parallel requests [default: 4]'
            cand --min-credits 'Stop the batch when fewer credits are left'
            cand --max-cost 'Stop the batch when it has cost this much'
            cand -p 'Also use the arguments in a profile'
            cand --profile 'Also use the arguments in a profile'
            cand --list-models 'Print the documented models, or the server''s'
            cand --generate 'Print the man page or shell completions'
            cand --no-stdin 'Never read standard input'
            cand --allow-http 'Allow http:// to any host'
            cand -S 'Print the answer when it is complete'
            cand --no-stream 'Print the answer when it is complete'
            cand --json 'Print the server''s JSON, byte for byte'
            cand --stream 'Print the answer as it arrives'
            cand -x 'Print only the first fenced code block'
            cand --extract 'Print only the first fenced code block'
            cand -u 'Print tokens, cost and limits on stderr'
            cand --usage 'Print tokens, cost and limits on stderr'
            cand -v 'Print request, headers and timing on stderr'
            cand --verbose 'Print request, headers and timing on stderr'
            cand -q 'Print no notes and no progress'
            cand --quiet 'Print no notes and no progress'
            cand --strict 'Exit with status 11 if the answer stopped short'
            cand --raw 'Do not sanitize terminal escapes'
            cand -k 'Print results in the order of the items'
            cand --keep-order 'Print results in the order of the items'
            cand --resume 'Skip items that have an answer in -o FILE'
            cand --no-config 'Do not read ~/.config/anyask/config'
            cand --dry-run 'Print the request body and send nothing'
            cand --curl 'Print a curl command and send nothing'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
    ]
    $completions[$command]
}
