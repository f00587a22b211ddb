use path
use re
use str

set edit:completion:arg-completer[anyask] = {|@words|
    # --model=sonnet and -msonnet are one word, which is completed as a whole
    var prefix = (re:replace '^(--[a-z-]+=|-[SHORT])?.*$' '$1' $words[-1])
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
        SPECS
    ] [$files~ ...]
}
