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
        CASES
    }
    # without a result, PowerShell completes files
    $results = if ($values) {
        $values | ForEach-Object { [CompletionResult]::new("$prefix$_", $_, [CompletionResultType]::ParameterValue, $_) }
    } elseif ($wordToComplete.StartsWith('-')) {
        FLAGS
    }
    $results | Where-Object { $_.CompletionText.StartsWith($wordToComplete) }
}
