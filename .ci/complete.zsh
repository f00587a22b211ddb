# What a real zsh offers after `anyask -m`: run with the folder of completions and a scratch folder.
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; fpath=($1 \$fpath); autoload -U compinit; compinit -u -d $2/dump; bindkey '^I' list-choices; LISTMAX=0; print REA''DY"
zpty -r -m shell output '*READY*'
zpty -n -w shell $'anyask -m \t'
zpty -r -m shell output '*sonnet-20240229*'
print -r -- "$output"
