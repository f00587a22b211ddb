# Completes anyask's flags and their known values, and files everywhere else.
_anyask() {
    local flag=$3 word=$2 words=
    # --model=sonnet comes as three words
    if [[ $flag == = ]]; then
        flag=${COMP_WORDS[COMP_CWORD - 2]}=
    elif [[ ${COMP_WORDS[COMP_CWORD]} == = ]]; then
        flag+='=' word=
    fi
    case $flag in
        CASES
        *)
            [[ $word == -* ]] || return
            words='FLAGS'
            ;;
    esac
    # no file is right here
    compopt +o default +o bashdefault 2>/dev/null
    local candidate
    for candidate in $words; do
        [[ $candidate == "$word"* ]] && COMPREPLY+=("$candidate")
    done
}

complete -o bashdefault -o default -F _anyask anyask
