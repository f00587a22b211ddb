# Completes anyask's flags and their known values, and files everywhere else.
_anyask_words() {
    case $1 in
        CASES
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
            words='FLAGS'
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
