use path
use re
use str

set edit:completion:arg-completer[anyask] = {|@words|
    # --model=sonnet and -msonnet are one word, which is completed as a whole
    var prefix = (re:replace '^(--[a-z-]+=|-[fscmtHojp])?.*$' '$1' $words[-1])
    fn one-of {|@values|
        put {|_| each {|value| put $prefix$value } $values }
    }
    fn files {|word|
        edit:complete-filename $word | each {|file|
            edit:complex-candidate $prefix$file[stem] &code-suffix=$file[code-suffix] &display=$file[display]
        }
    }
    fn header {|word|
        if (str:has-prefix $word @) {
            set prefix = $prefix@
            files $word[1..]
        }
    }
    fn profiles {
        var config = $E:XDG_CONFIG_HOME
        if (eq $config '') {
            set config = $E:HOME/.config
        }
        put $config/anyask/profiles/*[nomatch-ok] | each {|file|
            var name = (path:base $file)
            if (not (str:contains $name .)) {
                put $name
            }
        }
    }
    edit:complete-getopt $words[1..] [
        [&short=f &long=file &desc='Add a file to the prompt; repeatable' &arg-required=$true &completer=$files~]
        [&long=files-from &desc='Add the files whose paths are in LIST' &arg-required=$true &completer=$files~]
        [&short=n &long=line-numbers &desc='Number the lines of text files']
        [&long=prompt-file &desc='Read the prompt from a file' &arg-required=$true &completer=$files~]
        [&long=no-stdin &desc='Never read standard input']
        [&short=s &long=system &desc='System prompt' &arg-required=$true &completer=(one-of )]
        [&long=system-file &desc='Read the system prompt from a file' &arg-required=$true &completer=$files~]
        [&long=prefill &desc='First words of the answer' &arg-required=$true &completer=(one-of )]
        [&short=c &long=chat &desc='Continue the conversation in FILE, or start it' &arg-required=$true &completer=$files~]
        [&short=m &long=model &desc='Model ID, or sonnet, opus or haiku' &arg-required=$true &completer=(one-of sonnet opus haiku claude-3-5-sonnet-20241022 claude-3-opus-20240229 claude-3-sonnet-20240229 claude-3-haiku-20240307)]
        [&long=alias &desc='Give a model a name of your own; repeatable' &arg-required=$true &completer=(one-of )]
        [&long=fallback &desc='Model to ask if the others fail; repeatable' &arg-required=$true &completer=(one-of sonnet opus haiku claude-3-5-sonnet-20241022 claude-3-opus-20240229 claude-3-sonnet-20240229 claude-3-haiku-20240307)]
        [&long=max-tokens &desc='Maximum answer tokens [default: by model]' &arg-required=$true &completer=(one-of )]
        [&short=t &long=temperature &desc='Randomness, from 0.0 to 1.0' &arg-required=$true &completer=(one-of )]
        [&long=top-p &desc='Nucleus sampling, from 0.0 to 1.0' &arg-required=$true &completer=(one-of )]
        [&long=stop &desc='Stop sequence; repeatable' &arg-required=$true &completer=(one-of )]
        [&long=set &desc='Set another request field; repeatable' &arg-required=$true &completer=(one-of )]
        [&long=cache &desc='Cache system prompt and files on the server']
        [&long=base-url &desc='Server URL' &arg-required=$true &completer=$files~]
        [&long=allow-http &desc='Allow http:// to any host']
        [&long=auth &desc='bearer or x-api-key [default: bearer]' &arg-required=$true &completer=(one-of bearer x-api-key)]
        [&long=api-key-file &desc='Read the API key from a file' &arg-required=$true &completer=$files~]
        [&long=api-key-command &desc='Run a command that prints the API key' &arg-required=$true &completer=$files~]
        [&short=H &long=header &desc='Add a header ''Name: value''; repeatable' &arg-required=$true &completer=$header~]
        [&long=retries &desc='Retry a failed request N times [default: 2]' &arg-required=$true &completer=(one-of )]
        [&long=retry-delay &desc='Seconds before the first retry [default: 1]' &arg-required=$true &completer=(one-of )]
        [&long=max-wait &desc='Longest wait a server may set [default: 60]' &arg-required=$true &completer=(one-of )]
        [&long=timeout &desc='Longest time without data [default: 300]' &arg-required=$true &completer=(one-of )]
        [&long=max-time &desc='Longest time for a question in all' &arg-required=$true &completer=(one-of )]
        [&long=connect-timeout &desc='Longest time to connect [default: 10]' &arg-required=$true &completer=(one-of )]
        [&long=record &desc='Ask, and add each answer to FILE' &arg-required=$true &completer=$files~]
        [&long=replay &desc='Answer from FILE, without a server' &arg-required=$true &completer=$files~]
        [&short=S &long=no-stream &desc='Print the answer when it is complete']
        [&long=json &desc='Print the server''s JSON, byte for byte']
        [&long=stream &desc='Print the answer as it arrives']
        [&short=x &long=extract &desc='Print only the first fenced code block']
        [&long=check &desc='Print the answer only if a command accepts it' &arg-required=$true &completer=$files~]
        [&long=check-retries &desc='Ask again N times if --check fails [default: 1]' &arg-required=$true &completer=(one-of )]
        [&short=o &long=output &desc='Write the answer to FILE when it is complete' &arg-required=$true &completer=$files~]
        [&short=u &long=usage &desc='Print tokens, cost and limits on stderr']
        [&long=price &desc='Dollars per million tokens; repeatable' &arg-required=$true &completer=(one-of )]
        [&long=log &desc='Append one JSON line per question to FILE' &arg-required=$true &completer=$files~]
        [&short=v &long=verbose &desc='Print request, headers and timing on stderr']
        [&short=q &long=quiet &desc='Print no notes and no progress']
        [&long=strict &desc='Exit with status 11 if the answer stopped short']
        [&long=color &desc='Colour: auto, always or never' &arg-required=$true &completer=(one-of auto always never)]
        [&long=raw &desc='Do not sanitize terminal escapes']
        [&long=batch &desc='Ask one question per line of ITEMS' &arg-optional=$true &completer=$files~]
        [&short=j &long=jobs &desc='Number of parallel requests [default: 4]' &arg-required=$true &completer=(one-of )]
        [&long=rate &desc='At most N requests per second, minute or hour' &arg-required=$true &completer=(one-of )]
        [&short=k &long=keep-order &desc='Print results in the order of the items']
        [&long=resume &desc='Skip items that have an answer in -o FILE']
        [&long=min-credits &desc='Stop the batch when credits fall below USD' &arg-required=$true &completer=(one-of )]
        [&long=max-cost &desc='Stop the batch when it has cost USD' &arg-required=$true &completer=(one-of )]
        [&long=no-config &desc='Do not read ~/.config/anyask/config']
        [&long=dry-run &desc='Print the request body and send nothing']
        [&long=curl &desc='Print a curl command and send nothing']
        [&long=list-models &desc='Print the documented models, or the server''s' &arg-optional=$true &completer=(one-of documented server)]
        [&long=generate &desc='Print the man page or shell completions' &arg-required=$true &completer=(one-of man complete-bash complete-zsh complete-fish complete-powershell complete-elvish complete-nushell)]
        [&short=p &long=profile &desc='Also use the flags in a profile' &arg-required=$true &completer=(one-of (profiles))]
        [&long=mock &desc='Answer from a built-in test server' &arg-optional=$true &completer=(one-of ok cut max_tokens refusal quota botcheck overloaded 401 429 500 529)]
        [&short=h &long=help &desc='Print help (see more with ''--help'')']
        [&short=V &long=version &desc='Print version']
    ] [$files~ ...]
}
