# What Doxygen reads instead of a file: the headers speak to people, and Doxygen wants commands. Each line stays the line
# that it is, so that warnings name the right one.
#
# A header: the comment at its top goes to the class that it names first ("Scope: what belongs together ..."), or else to the
# file. Paragraphs that begin with "Thread:", "Errors:" and the like get a heading; "// ---- running ----" makes a group of
# what follows. Floors, and copying that there is not, are for who works on the library.
#
# A page of the guide gets a name that does not depend on where it lies. Links to such pages and to headers lead to what is
# made of them; those that lead out of the guide become text.

{ lines[NR] = $0 }

END {
    if (FILENAME ~ /\.md$/)
        page()
    else
        header()
}

# ---- headers ----------------------------------------------------------------------------------------------

function header(    i, line, at_top) {
    lines[1] = "/// " subject()
    lines[2] = without_name(lines[2])
    at_top = 1
    for (i = 1; i <= NR; ++i) {
        line = lines[i]
        if (line !~ /^\/\/\//) at_top = 0
        if (at_top) sub(/ ?Floor [0-9]\./, "", line)
        if (line ~ /\/\/\/( @| [^ ]|<)/) line = headings(line)
        print groups(no_copying(line))
    }
}

# The entity that the first comment is about, as a command. What its own comment says is detail then.
function subject(    name, class, i) {
    name = lines[2]
    if (name !~ /^\/\/\/ [A-Za-z_0-9:]+(:| and [A-Za-z]+:) /) return "@file"
    sub(/^\/\/\/ /, "", name)
    sub(/(:| and) .*$/, "", name)
    if (name ~ /^ioloop::/) return "@namespace " name
    class = name
    sub(/^.*::/, "", class)
    class = "^(template <.*> )?(class|struct|enum class) (\\[\\[nodiscard\\]\\] )?" class "( final)?( : [^;]*)? *\\{"
    for (i = 3; i <= NR && lines[i] !~ class; ++i) {}
    if (i > NR) return "@file"
    class = lines[i] ~ /enum class/ ? "@enum" : "@class"
    while (lines[i - 1] ~ /^\/\/\/ /) --i
    sub(/^\/\/\/ /, "/// @details ", lines[i])
    return class " ioloop::" name
}

# "Scope: what belongs" is "What belongs": the page has the name at its top.
function without_name(line) {
    if (sub(/^\/\/\/ [A-Za-z_0-9:()]+((, | and )[A-Za-z_0-9:()]+)*: /, "", line))
        line = "/// " toupper(substr(line, 1, 1)) substr(line, 2)
    return line
}

# Such as "Errors: ..." at the beginning of a line, or after a sentence. The commands are aliases: Doxyfile.in.
function headings(line) {
    line = heading(line, "Thread", "@thread")
    line = heading(line, "Errors", "@errors")
    line = heading(line, "Lifetime", "@lifetime")
    line = heading(line, "Requires", "@requires")
    return heading(line, "Cost", "@cost")
}
function heading(line, word, command) {
    sub("/// " word ": ", "/// " command " ", line)
    sub("\\. " word ": ", ". " command " ", line)
    return line
}

function no_copying(line) {
    return line ~ /^ +[A-Za-z]+(& operator=)?\(const [A-Za-z]+&\) = delete;$/ ? "" : line
}

function groups(line,    title) {
    if (line ~ /^    \/\/ -----*/) {
        title = line
        gsub(/^    \/\/ -+ ?| ?-+$/, "", title)
        line = close_group()
        if (title != "") {
            in_group = 1
            line = line "/** @name " toupper(substr(title, 1, 1)) substr(title, 2) " */ /** @{ */"
        }
    } else if (line ~ /^(private:|protected:|};)/) {
        line = close_group() line
    }
    return line
}
function close_group() {
    if (!in_group) return ""
    in_group = 0
    return "/** @} */ "
}

# ---- the guide --------------------------------------------------------------------------------------------

function page(    i, line, done, text, target) {
    is_index = FILENAME ~ /README\.md$/ # the pages come in its order
    if (!is_index) lines[1] = lines[1] " {#" name_of(FILENAME) "}"
    for (i = 1; i <= NR; ++i) {
        line = lines[i]
        done = ""
        while (match(line, /\[[^][]*\]\([^()]*\)/)) {
            done = done substr(line, 1, RSTART - 1)
            text = target = substr(line, RSTART, RLENGTH)
            line = substr(line, RSTART + RLENGTH)
            gsub(/^\[|\]\(.*$/, "", text)
            gsub(/^.*\]\(|\)$/, "", target)
            done = done link(text, target)
        }
        print done line
    }
}
function name_of(file) {
    sub(/^.*\//, "", file)
    sub(/\.md$/, "", file)
    return "guide_" file
}
function link(text, target) {
    if (target ~ /^[a-z]+\.md$/) return (is_index ? "@subpage " : "@ref ") name_of(target) " \"" text "\""
    if (target ~ /\/include\/.*\.hpp$/) {
        sub(/^.*\/include\//, "", target)
        gsub(/`/, "", text)
        return "@ref " target " \"" text "\""
    }
    return target ~ /^\.\.\// ? text : "[" text "](" target ")"
}
