# Completion of `cargo NAME` and `cargo-NAME` in fish: a file in ~/.config/fish/conf.d. (In `completions` it would be
# read for `cargo-NAME` only.)

function __cargo_namespaces_words --description 'The words behind `cargo NAME` or `cargo-NAME`'
    set -l words (commandline -opc) (commandline -ct | string collect --allow-empty)
    if string match --quiet --regex '(^|/)cargo$' -- $words[1]
        set -e words[1]
        while string match --quiet --regex '^[+-]' -- $words[1]
            set -e words[1]
        end
    end
    string match --quiet --regex "(^|/|^cargo-)$argv[1]\$" -- $words[1]; and test (count $words) -gt 1; or return 1
    # It fails where there is nothing to join.
    string join0 -- $words[2..-1]
    true
end

function __cargo_namespaces_offer
    set -l offers (cargo-$argv[1] --complete -- (__cargo_namespaces_words $argv[1] | string split0) 2>/dev/null)
    switch "$offers[1]"
        case ':files*'
            __fish_complete_path (commandline -ct)
        case ':directories*'
            __fish_complete_directories (commandline -ct) ''
        case '*'
            string join \n -- $offers
    end
end

complete -c cargo -n '__cargo_namespaces_words NAME >/dev/null' -f -k -a '(__cargo_namespaces_offer NAME)'
complete -c cargo-NAME -n '__cargo_namespaces_words NAME >/dev/null' -f -k -a '(__cargo_namespaces_offer NAME)'
