# SPDX-License-Identifier: MIT
# fish completion for shmbrokerctl(1); 'shmbrokerctl completion fish' prints it.

function __shmbrokerctl
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (shmbrokerctl __complete $words[2..-1] $current 2>/dev/null)
        switch $line
            case ':files *'
                set -l kept (string sub -s 8 -- $line)
                string replace -r '^' -- "$kept" (__fish_complete_path (string sub -s (math (string length -- "$kept") + 1) -- "$current"))
            case ':command *'
                string match -qr '^:command [0-9]+$' -- $line; or continue
                set -l at (math (string sub -s 10 -- $line) + 2)
                complete -C (string join ' ' -- (string escape -- $words[$at..-1]) $current)
            case '*'
                echo $line
        end
    end
end

complete -c shmbrokerctl -f -a '(__shmbrokerctl)'
