# SPDX-License-Identifier: MIT
# fish completion for shmbrokerctl(1); 'shmbrokerctl completion fish' prints it.

# The words before the cursor that are no options and no values of options; of these, the first
# is the command. A segment by its number is in the place of its name. Options whose values are
# words of their own are in $__shmbrokerctl_valued.
function __shmbrokerctl_words
    set -l skip 0
    set -l only_operands 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if test $only_operands = 0 -a "$word" = --
            set only_operands 1
        else if test $only_operands = 0 -a "$word" = --id
            continue
        else if test $only_operands = 0; and contains -- "$word" $__shmbrokerctl_valued
            set skip 1
        else if test $only_operands = 1; or not string match -q -- '-*' "$word"
            echo -- $word
        end
    end
end

function __shmbrokerctl_no_command
    not set -l words (__shmbrokerctl_words)[1]; or test -z "$words"
end

function __shmbrokerctl_is
    set -l words (__shmbrokerctl_words)
    test "$words[1]" = $argv[1]
end

# Options by which the line says which broker it means.
function __shmbrokerctl_broker
    set -l line (commandline -opc)
    for i in (seq 2 (count $line))
        switch $line[$i]
            case --user '--address=*'
                echo -- $line[$i]
            case --address
                printf '%s\n' $line[$i] $line[(math $i + 1)]
        end
    end
end

# NAME or ID of the segments that the broker has.
function __shmbrokerctl_ask
    shmbrokerctl (__shmbrokerctl_broker) list --raw --noheadings --output $argv[1] 2>/dev/null | string match -v -- -
end

# Names of shared memory without a broker.
function __shmbrokerctl_objects
    shmbrokerctl (__shmbrokerctl_broker) orphans --raw --noheadings --output NAME 2>/dev/null
end

# A list with commas: candidates for its last part.
function __shmbrokerctl_list
    set -l prefix (string match -r -- '^.*,|^\+' (commandline -ct | string replace -r -- '^--[^=]*=' ''))
    printf "$prefix%s\n" $argv
end

# Candidates for a value that is called so in the help; with all of them behind it, if they are
# a few words.
function __shmbrokerctl_value
    switch $argv[1]
        case NAME PATTERN
            __shmbrokerctl_ask NAME
        case ID
            __shmbrokerctl_ask ID
        case OBJECT
            __shmbrokerctl_objects
        case CHECK
            shmbrokerctl doctor --list | string replace -r ' .*' ''
        case FILE
            __fish_complete_path (commandline -ct)
        case PLACE
            __shmbrokerctl_ask NAME | string replace -r '^' shm:
            __fish_complete_path (commandline -ct)
        case ADDRESS
            echo unix:
        case USER OWNER
            __fish_complete_users
        case PID
            __fish_complete_pids
        case COLUMNS SEALS
            __shmbrokerctl_list $argv[2..-1]
        case '*'
            printf '%s\n' $argv[2..-1]
    end
end

# The operand that comes now: its place among those of the command, the last of which may be
# repeated.
function __shmbrokerctl_operand
    set -l place (count (__shmbrokerctl_words))
    set -l kinds $argv
    if test $place -gt (count $kinds); and string match -q -- '*...' $kinds[-1]
        set place (count $kinds)
    end
    set -l kind (string replace -- ... '' $kinds[$place])
    switch "$kind"
        case ''
        case COMMAND
            set -l words (__shmbrokerctl_words)
            set -e words[1..(count $kinds)]
            complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
        case '*'
            __shmbrokerctl_value $kind (__shmbrokerctl_all $kind)
    end
end

complete -c shmbrokerctl -f
@TABLES@
