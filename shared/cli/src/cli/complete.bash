# Completion of `cargo NAME` and `cargo-NAME` in bash. Sourced from ~/.bashrc or by bash-completion, as
# `completions/cargo-NAME`. What is not ours goes to the completion that `cargo` had before, or to the toolchain's.

_cargo_namespaces() {
    local line="${COMP_LINE:0:COMP_POINT}" sub at=1 typed="${COMP_WORDS[COMP_CWORD]}"
    local -a words
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    sub="${words[0]##*/}"
    if [[ $sub == cargo ]]; then
        while [[ ${words[at]} == [+-]* ]]; do at=$((at + 1)); done
        sub="${words[at]}"
        at=$((at + 1))
    fi
    sub="${sub#cargo-}"
    case "$sub" in
        nsadd | nspublish | nsregistry | nsvendor) ;;
        *) _cargo_namespaces_others "$@"; return ;;
    esac
    if ((at >= ${#words[@]})); then _cargo_namespaces_others "$@"; return; fi

    # Readline replaces only what stands behind the last `:` or `=`.
    local current="${words[${#words[@]} - 1]}" cut value
    [[ $typed == [:=] ]] && typed=""
    typed="${typed:0:${#current}}"
    cut="${current%"$typed"}"
    COMPREPLY=()
    while IFS=$'\t' read -r value _; do
        case "$value" in
            :files) compopt -o filenames 2> /dev/null; while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "$typed") ;;
            :directories) compopt -o filenames 2> /dev/null; while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -d -- "$typed") ;;
            *)
                [[ $value == */ || $value == *= ]] && compopt -o nospace 2> /dev/null
                COMPREPLY+=("${value#"$cut"}")
                ;;
        esac
    done < <("cargo-$sub" --complete -- "${words[@]:at}" 2> /dev/null)
}

# The completion of everything else.
_cargo_namespaces_others() {
    if [[ -z ${_cargo_namespaces_before-} ]]; then
        local file
        for file in "$(rustc --print sysroot 2> /dev/null)/etc/bash_completion.d/cargo" \
            /usr/share/bash-completion/completions/cargo /etc/bash_completion.d/cargo; do
            [[ -r $file ]] && source "$file" && break
        done
        _cargo_namespaces_remember
        complete -F _cargo_namespaces -o bashdefault -o default cargo
    fi
    [[ -n ${_cargo_namespaces_before-} ]] && "$_cargo_namespaces_before" "$@"
}

_cargo_namespaces_remember() {
    local registered word
    registered="$(complete -p cargo 2> /dev/null)" || return 0
    word="${registered##*-F }"
    word="${word%% *}"
    [[ $registered == *-F* && $word != _cargo_namespaces ]] && _cargo_namespaces_before="$word"
    return 0
}

_cargo_namespaces_remember
complete -F _cargo_namespaces -o bashdefault -o default cargo cargo-NAME
