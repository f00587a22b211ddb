
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'anyask' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'anyask'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'anyask' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'A file that the prompt is about; repeatable')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'A file that the prompt is about; repeatable')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The system prompt')
            [CompletionResult]::new('--system', '--system', [CompletionResultType]::ParameterName, 'The system prompt')
            [CompletionResult]::new('--system-file', '--system-file', [CompletionResultType]::ParameterName, 'Read the system prompt from a file')
            [CompletionResult]::new('--prefill', '--prefill', [CompletionResultType]::ParameterName, 'The first words of the answer')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Go on with the conversation kept in FILE')
            [CompletionResult]::new('--chat', '--chat', [CompletionResultType]::ParameterName, 'Go on with the conversation kept in FILE')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'The model, or sonnet, opus, haiku for short')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'The model, or sonnet, opus, haiku for short')
            [CompletionResult]::new('--max-tokens', '--max-tokens', [CompletionResultType]::ParameterName, 'Most tokens in the answer [default: 4096]')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Randomness, from 0.0 to 1.0')
            [CompletionResult]::new('--temperature', '--temperature', [CompletionResultType]::ParameterName, 'Randomness, from 0.0 to 1.0')
            [CompletionResult]::new('--top-p', '--top-p', [CompletionResultType]::ParameterName, 'Nucleus sampling, from 0.0 to 1.0')
            [CompletionResult]::new('--stop', '--stop', [CompletionResultType]::ParameterName, 'Stop where the answer says this; repeatable')
            [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Any other field of the request; repeatable')
            [CompletionResult]::new('--base-url', '--base-url', [CompletionResultType]::ParameterName, 'The server, instead of api.anyrouter.top')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'bearer or x-api-key [default: bearer]')
            [CompletionResult]::new('--api-key-file', '--api-key-file', [CompletionResultType]::ParameterName, 'A file whose content is the API key')
            [CompletionResult]::new('--api-key-command', '--api-key-command', [CompletionResultType]::ParameterName, 'A command that prints the API key')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'A further header, or @FILE; repeatable')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'A further header, or @FILE; repeatable')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Send again this often [default: 2]')
            [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'First pause, doubled each time [default: 1]')
            [CompletionResult]::new('--max-wait', '--max-wait', [CompletionResultType]::ParameterName, 'Longest pause a server gets [default: 60]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Longest silence of the server [default: 300]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Longest wait for a connection [default: 10]')
            [CompletionResult]::new('--mock', '--mock', [CompletionResultType]::ParameterName, 'Rehearse: no key, no credits, an echo')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the answer to FILE when it is whole')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the answer to FILE when it is whole')
            [CompletionResult]::new('--price', '--price', [CompletionResultType]::ParameterName, 'Dollars per million tokens [default: 0.3,1.5]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Append one JSON line a request to FILE')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour on stderr: auto, always or never')
            [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, 'Ask many questions: one item a line')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'Requests under way at once [default: 4]')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'Requests under way at once [default: 4]')
            [CompletionResult]::new('--min-credits', '--min-credits', [CompletionResultType]::ParameterName, 'Start nothing more below these credits')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Take the flags in the profile NAME too')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Take the flags in the profile NAME too')
            [CompletionResult]::new('--generate', '--generate', [CompletionResultType]::ParameterName, 'Print the man page or shell completions')
            [CompletionResult]::new('--no-stdin', '--no-stdin', [CompletionResultType]::ParameterName, 'Never read standard input')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Send the key over http:// to any host')
            [CompletionResult]::new('-S', '-S ', [CompletionResultType]::ParameterName, 'Print the answer when it is whole')
            [CompletionResult]::new('--no-stream', '--no-stream', [CompletionResultType]::ParameterName, 'Print the answer when it is whole')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the server''s JSON, byte for byte')
            [CompletionResult]::new('--stream', '--stream', [CompletionResultType]::ParameterName, 'Print what comes as it comes')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Print only the first fenced code block')
            [CompletionResult]::new('--extract', '--extract', [CompletionResultType]::ParameterName, 'Print only the first fenced code block')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'One line on stderr: tokens, cost, limits')
            [CompletionResult]::new('--usage', '--usage', [CompletionResultType]::ParameterName, 'One line on stderr: tokens, cost, limits')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show request, headers and timing on stderr')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show request, headers and timing on stderr')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'No notes and no progress on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'No notes and no progress on stderr')
            [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Exit 11 if the answer stopped short')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Let terminal escapes through')
            [CompletionResult]::new('-k', '-k', [CompletionResultType]::ParameterName, 'Results in the order of the items')
            [CompletionResult]::new('--keep-order', '--keep-order', [CompletionResultType]::ParameterName, 'Results in the order of the items')
            [CompletionResult]::new('--resume', '--resume', [CompletionResultType]::ParameterName, 'Skip what -o FILE has an answer to')
            [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Read no configuration file')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print the request''s body; send nothing')
            [CompletionResult]::new('--curl', '--curl', [CompletionResultType]::ParameterName, 'Print the request as a curl command')
            [CompletionResult]::new('--list-models', '--list-models', [CompletionResultType]::ParameterName, 'Print the documented models')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
