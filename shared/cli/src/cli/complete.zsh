#compdef cargo-NAME
# Completion of `cargo NAME` and `cargo-NAME` in zsh: a file `_cargo-NAME` in a directory of $fpath. The toolchain's
# `_cargo` calls it for the subcommand.

_cargo-NAME() {
    local line value help
    local -a arguments plain plain_help open open_help
    arguments=("${(@Q)words[2,CURRENT - 1]}" "${(Q)PREFIX}")
    for line in "${(@f)$(cargo-NAME --complete -- "${arguments[@]}" 2> /dev/null)}"; do
        value="${line%%$'\t'*}"
        help="${line#*$'\t'}"
        case "$value" in
            '') ;;
            :files) _files; return ;;
            :directories) _files -/; return ;;
            */ | *=) open+=("$value"); open_help+=("$value  -- $help") ;;
            *) plain+=("$value"); plain_help+=("$value  -- $help") ;;
        esac
    done
    local ret=1
    (( $#plain )) && compadd -l -d plain_help -a plain && ret=0
    (( $#open )) && compadd -l -S '' -d open_help -a open && ret=0
    return ret
}

if [[ $funcstack[1] == _cargo-NAME ]]; then
    _cargo-NAME "$@"
else
    compdef _cargo-NAME cargo-NAME
fi
