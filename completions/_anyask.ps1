using namespace System.Management.Automation

Register-ArgumentCompleter -Native -CommandName anyask -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $before = $commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition }
    $flag = "$($before | Select-Object -Last 1)"
    $prefix = ''
    # --model=sonnet is one word, which is completed as a whole
    if ($wordToComplete -match '^--[a-z-]+=') {
        $flag = $prefix = $Matches[0]
    }
    $config = if ($Env:XDG_CONFIG_HOME) { $Env:XDG_CONFIG_HOME } else { "$HOME/.config" }
    $values = switch ($flag) {
        { $_ -cin '-m', '--model', '--model=' } { 'sonnet', 'opus', 'haiku', 'claude-3-5-sonnet-20241022', 'claude-3-opus-20240229', 'claude-3-sonnet-20240229', 'claude-3-haiku-20240307' }
        { $_ -cin '--fallback', '--fallback=' } { 'sonnet', 'opus', 'haiku', 'claude-3-5-sonnet-20241022', 'claude-3-opus-20240229', 'claude-3-sonnet-20240229', 'claude-3-haiku-20240307' }
        { $_ -cin '--auth', '--auth=' } { 'bearer', 'x-api-key' }
        { $_ -cin '--color', '--color=' } { 'auto', 'always', 'never' }
        { $_ -cin '--list-models=' } { 'documented', 'server' }
        { $_ -cin '--generate', '--generate=' } { 'man', 'complete-bash', 'complete-zsh', 'complete-fish', 'complete-powershell', 'complete-elvish', 'complete-nushell' }
        { $_ -cin '-p', '--profile', '--profile=' } { Get-ChildItem "$config/anyask/profiles" -File -Name -ErrorAction Ignore | Where-Object { $_ -notlike '*.*' } }
        { $_ -cin '--mock=' } { 'ok', 'cut', 'max_tokens', 'refusal', 'quota', 'botcheck', 'overloaded', '401', '429', '500', '529' }
    }
    # without a result, PowerShell completes files
    $results = if ($values) {
        $values | ForEach-Object { [CompletionResult]::new("$prefix$_", $_, [CompletionResultType]::ParameterValue, $_) }
    } elseif ($wordToComplete.StartsWith('-')) {
        [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Add a file to the prompt; repeatable')
        [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Add a file to the prompt; repeatable')
        [CompletionResult]::new('--files-from', '--files-from', [CompletionResultType]::ParameterName, 'Add the files whose paths are in LIST')
        [CompletionResult]::new('--prompt-file', '--prompt-file', [CompletionResultType]::ParameterName, 'Read the prompt from a file')
        [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'System prompt')
        [CompletionResult]::new('--system', '--system', [CompletionResultType]::ParameterName, 'System prompt')
        [CompletionResult]::new('--system-file', '--system-file', [CompletionResultType]::ParameterName, 'Read the system prompt from a file')
        [CompletionResult]::new('--prefill', '--prefill', [CompletionResultType]::ParameterName, 'First words of the answer')
        [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Continue the conversation in FILE, or start it')
        [CompletionResult]::new('--chat', '--chat', [CompletionResultType]::ParameterName, 'Continue the conversation in FILE, or start it')
        [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Model ID, or sonnet, opus or haiku')
        [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Model ID, or sonnet, opus or haiku')
        [CompletionResult]::new('--alias', '--alias', [CompletionResultType]::ParameterName, 'Give a model a name of your own; repeatable')
        [CompletionResult]::new('--fallback', '--fallback', [CompletionResultType]::ParameterName, 'Model to ask if the others fail; repeatable')
        [CompletionResult]::new('--max-tokens', '--max-tokens', [CompletionResultType]::ParameterName, 'Maximum answer tokens [default: by model]')
        [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Randomness, from 0.0 to 1.0')
        [CompletionResult]::new('--temperature', '--temperature', [CompletionResultType]::ParameterName, 'Randomness, from 0.0 to 1.0')
        [CompletionResult]::new('--top-p', '--top-p', [CompletionResultType]::ParameterName, 'Nucleus sampling, from 0.0 to 1.0')
        [CompletionResult]::new('--stop', '--stop', [CompletionResultType]::ParameterName, 'Stop sequence; repeatable')
        [CompletionResult]::new('--set', '--set', [CompletionResultType]::ParameterName, 'Set another request field; repeatable')
        [CompletionResult]::new('--base-url', '--base-url', [CompletionResultType]::ParameterName, 'Server URL')
        [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'bearer or x-api-key [default: bearer]')
        [CompletionResult]::new('--api-key-file', '--api-key-file', [CompletionResultType]::ParameterName, 'Read the API key from a file')
        [CompletionResult]::new('--api-key-command', '--api-key-command', [CompletionResultType]::ParameterName, 'Run a command that prints the API key')
        [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Add a header ''Name: value''; repeatable')
        [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Add a header ''Name: value''; repeatable')
        [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retry a failed request N times [default: 2]')
        [CompletionResult]::new('--retry-delay', '--retry-delay', [CompletionResultType]::ParameterName, 'Seconds before the first retry [default: 1]')
        [CompletionResult]::new('--max-wait', '--max-wait', [CompletionResultType]::ParameterName, 'Longest wait a server may set [default: 60]')
        [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Longest time without data [default: 300]')
        [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'Longest time for a question in all')
        [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Longest time to connect [default: 10]')
        [CompletionResult]::new('--record', '--record', [CompletionResultType]::ParameterName, 'Ask, and add each answer to FILE')
        [CompletionResult]::new('--replay', '--replay', [CompletionResultType]::ParameterName, 'Answer from FILE, without a server')
        [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Print the answer only if a command accepts it')
        [CompletionResult]::new('--check-retries', '--check-retries', [CompletionResultType]::ParameterName, 'Ask again N times if --check fails [default: 1]')
        [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the answer to FILE when it is complete')
        [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the answer to FILE when it is complete')
        [CompletionResult]::new('--price', '--price', [CompletionResultType]::ParameterName, 'Dollars per million tokens; repeatable')
        [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Append one JSON line per question to FILE')
        [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Colour: auto, always or never')
        [CompletionResult]::new('--batch', '--batch', [CompletionResultType]::ParameterName, 'Ask one question per line of ITEMS')
        [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'Number of parallel requests [default: 4]')
        [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'Number of parallel requests [default: 4]')
        [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'At most N requests per second, minute or hour')
        [CompletionResult]::new('--min-credits', '--min-credits', [CompletionResultType]::ParameterName, 'Stop the batch when credits fall below USD')
        [CompletionResult]::new('--max-cost', '--max-cost', [CompletionResultType]::ParameterName, 'Stop the batch when it has cost USD')
        [CompletionResult]::new('--list-models', '--list-models', [CompletionResultType]::ParameterName, 'Print the documented models, or the server''s')
        [CompletionResult]::new('--generate', '--generate', [CompletionResultType]::ParameterName, 'Print the man page or shell completions')
        [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Also use the flags in a profile')
        [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Also use the flags in a profile')
        [CompletionResult]::new('--mock', '--mock', [CompletionResultType]::ParameterName, 'Answer from a built-in test server')
        [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Number the lines of text files')
        [CompletionResult]::new('--line-numbers', '--line-numbers', [CompletionResultType]::ParameterName, 'Number the lines of text files')
        [CompletionResult]::new('--no-stdin', '--no-stdin', [CompletionResultType]::ParameterName, 'Never read standard input')
        [CompletionResult]::new('--cache', '--cache', [CompletionResultType]::ParameterName, 'Cache system prompt and files on the server')
        [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Allow http:// to any host')
        [CompletionResult]::new('-S', '-S ', [CompletionResultType]::ParameterName, 'Print the answer when it is complete')
        [CompletionResult]::new('--no-stream', '--no-stream', [CompletionResultType]::ParameterName, 'Print the answer when it is complete')
        [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the server''s JSON, byte for byte')
        [CompletionResult]::new('--stream', '--stream', [CompletionResultType]::ParameterName, 'Print the answer as it arrives')
        [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Print only the first fenced code block')
        [CompletionResult]::new('--extract', '--extract', [CompletionResultType]::ParameterName, 'Print only the first fenced code block')
        [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'Print tokens, cost and limits on stderr')
        [CompletionResult]::new('--usage', '--usage', [CompletionResultType]::ParameterName, 'Print tokens, cost and limits on stderr')
        [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print request, headers and timing on stderr')
        [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print request, headers and timing on stderr')
        [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notes and no progress')
        [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notes and no progress')
        [CompletionResult]::new('--strict', '--strict', [CompletionResultType]::ParameterName, 'Exit with status 11 if the answer stopped short')
        [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Do not sanitize terminal escapes')
        [CompletionResult]::new('-k', '-k', [CompletionResultType]::ParameterName, 'Print results in the order of the items')
        [CompletionResult]::new('--keep-order', '--keep-order', [CompletionResultType]::ParameterName, 'Print results in the order of the items')
        [CompletionResult]::new('--resume', '--resume', [CompletionResultType]::ParameterName, 'Skip items that have an answer in -o FILE')
        [CompletionResult]::new('--no-config', '--no-config', [CompletionResultType]::ParameterName, 'Do not read ~/.config/anyask/config')
        [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print the request body and send nothing')
        [CompletionResult]::new('--curl', '--curl', [CompletionResultType]::ParameterName, 'Print a curl command and send nothing')
        [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
        [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
        [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
        [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
    }
    $results | Where-Object { $_.CompletionText.StartsWith($wordToComplete) }
}
