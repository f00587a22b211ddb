
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
            cand -f 'A file that the prompt is about; repeatable'
            cand --file 'A file that the prompt is about; repeatable'
            cand -s 'The system prompt'
            cand --system 'The system prompt'
            cand --system-file 'Read the system prompt from a file'
            cand --prefill 'The first words of the answer'
            cand -c 'Go on with the conversation kept in FILE'
            cand --chat 'Go on with the conversation kept in FILE'
            cand -m 'The model, or sonnet, opus, haiku for short'
            cand --model 'The model, or sonnet, opus, haiku for short'
            cand --max-tokens 'Most tokens in the answer [default: 4096]'
            cand -t 'Randomness, from 0.0 to 1.0'
            cand --temperature 'Randomness, from 0.0 to 1.0'
            cand --top-p 'Nucleus sampling, from 0.0 to 1.0'
            cand --stop 'Stop where the answer says this; repeatable'
            cand --set 'Any other field of the request; repeatable'
            cand --base-url 'The server, instead of api.anyrouter.top'
            cand --auth 'bearer or x-api-key [default: bearer]'
            cand --api-key-file 'A file whose content is the API key'
            cand --api-key-command 'A command that prints the API key'
            cand -H 'A further header, or @FILE; repeatable'
            cand --header 'A further header, or @FILE; repeatable'
            cand --retries 'Send again this often [default: 2]'
            cand --retry-delay 'First pause, doubled each time [default: 1]'
            cand --max-wait 'Longest pause a server gets [default: 60]'
            cand --timeout 'Longest silence of the server [default: 300]'
            cand --connect-timeout 'Longest wait for a connection [default: 10]'
            cand --mock 'Rehearse: no key, no credits, an echo'
            cand -o 'Write the answer to FILE when it is whole'
            cand --output 'Write the answer to FILE when it is whole'
            cand --price 'Dollars per million tokens [default: 0.3,1.5]'
            cand --log 'Append one JSON line a request to FILE'
            cand --color 'Colour on stderr: auto, always or never'
            cand --batch 'Ask many questions: one item a line'
            cand -j 'Requests under way at once [default: 4]'
            cand --jobs 'Requests under way at once [default: 4]'
            cand --min-credits 'Start nothing more below these credits'
            cand -p 'Take the flags in the profile NAME too'
            cand --profile 'Take the flags in the profile NAME too'
            cand --generate 'Print the man page or shell completions'
            cand --no-stdin 'Never read standard input'
            cand --allow-http 'Send the key over http:// to any host'
            cand -S 'Print the answer when it is whole'
            cand --no-stream 'Print the answer when it is whole'
            cand --json 'Print the server''s JSON, byte for byte'
            cand --stream 'Print what comes as it comes'
            cand -x 'Print only the first fenced code block'
            cand --extract 'Print only the first fenced code block'
            cand -u 'One line on stderr: tokens, cost, limits'
            cand --usage 'One line on stderr: tokens, cost, limits'
            cand -v 'Show request, headers and timing on stderr'
            cand --verbose 'Show request, headers and timing on stderr'
            cand -q 'No notes and no progress on stderr'
            cand --quiet 'No notes and no progress on stderr'
            cand --strict 'Exit 11 if the answer stopped short'
            cand --raw 'Let terminal escapes through'
            cand -k 'Results in the order of the items'
            cand --keep-order 'Results in the order of the items'
            cand --resume 'Skip what -o FILE has an answer to'
            cand --no-config 'Read no configuration file'
            cand --dry-run 'Print the request''s body; send nothing'
            cand --curl 'Print the request as a curl command'
            cand --list-models 'Print the documented models'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
    ]
    $completions[$command]
}
