# Completes anyask's flags and their known values, and files everywhere else.
_anyask_words() {
    case $1 in
        -s | --system | --system=) words='' ;;
        --prefill | --prefill=) words='' ;;
        -m | --model | --model=) words='sonnet opus haiku claude-3-5-sonnet-20241022 claude-3-opus-20240229 claude-3-sonnet-20240229 claude-3-haiku-20240307' ;;
        --alias | --alias=) words='' ;;
        --fallback | --fallback=) words='sonnet opus haiku claude-3-5-sonnet-20241022 claude-3-opus-20240229 claude-3-sonnet-20240229 claude-3-haiku-20240307' ;;
        --max-tokens | --max-tokens=) words='' ;;
        -t | --temperature | --temperature=) words='' ;;
        --top-p | --top-p=) words='' ;;
        --stop | --stop=) words='' ;;
        --set | --set=) words='' ;;
        --auth | --auth=) words='bearer x-api-key' ;;
        -H | --header | --header=) words='' ;;
        --retries | --retries=) words='' ;;
        --retry-delay | --retry-delay=) words='' ;;
        --max-wait | --max-wait=) words='' ;;
        --timeout | --timeout=) words='' ;;
        --max-time | --max-time=) words='' ;;
        --connect-timeout | --connect-timeout=) words='' ;;
        --check-retries | --check-retries=) words='' ;;
        --price | --price=) words='' ;;
        --color | --color=) words='auto always never' ;;
        -j | --jobs | --jobs=) words='' ;;
        --rate | --rate=) words='' ;;
        --min-credits | --min-credits=) words='' ;;
        --max-cost | --max-cost=) words='' ;;
        --list-models=) words='documented server' ;;
        --generate | --generate=) words='man complete-bash complete-zsh complete-fish complete-powershell complete-elvish complete-nushell' ;;
        -p | --profile | --profile=) words=$(cd "${XDG_CONFIG_HOME:-$HOME/.config}/anyask/profiles" 2>/dev/null && compgen -f -X '*.*') ;;
        --mock=) words='ok cut max_tokens refusal quota botcheck overloaded 401 429 500 529' ;;
        *) return 1 ;;
    esac
}

_anyask() {
    local flag=$3 word=$2 words= attached=
    # --model=sonnet comes as three words
    if [[ $flag == = ]]; then
        flag=${COMP_WORDS[COMP_CWORD - 2]}=
    elif [[ ${COMP_WORDS[COMP_CWORD]} == = ]]; then
        flag+='=' word=
    fi
    # -H @FILE comes in as many words as bash likes
    if [[ $word == @* && ${COMP_LINE:0:COMP_POINT} =~ (-H|--header)[=[:blank:]]*@[^[:blank:]]*$ ]]; then
        local IFS=$'\n'
        COMPREPLY=($(compgen -f -P @ -- "${word:1}"))
        return
    fi
    if ! _anyask_words "$flag"; then
        [[ $word == -* ]] || return
        # -msonnet
        if [[ $word == -[!-]?* ]] && _anyask_words "${word:0:2}"; then
            attached=${word:0:2} word=${word:2}
        else
            words='-f --file --files-from -n --line-numbers --prompt-file --no-stdin -s --system --system-file --prefill -c --chat -m --model --alias --fallback --max-tokens -t --temperature --top-p --stop --set --cache --base-url --allow-http --auth --api-key-file --api-key-command -H --header --retries --retry-delay --max-wait --timeout --max-time --connect-timeout --record --replay -S --no-stream --json --stream -x --extract --check --check-retries -o --output -u --usage --price --log -v --verbose -q --quiet --strict --color --raw --batch -j --jobs --rate -k --keep-order --resume --min-credits --max-cost --no-config --dry-run --curl --list-models --generate -p --profile --mock -h --help -V --version'
        fi
    fi
    # no file is right here
    compopt +o default +o bashdefault 2>/dev/null
    local candidate
    for candidate in $words; do
        [[ $candidate == "$word"* ]] && COMPREPLY+=("$attached$candidate")
    done
}

complete -o bashdefault -o default -F _anyask anyask
