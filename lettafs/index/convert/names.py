"""What a file's name says of its kind: extensions and well-known names."""

from __future__ import annotations

__all__ = ["kind_by_name"]

_CODE = """
    ada adb ads applescript as asm asp aspx astro awk bas bash bat bazel bib bicep bzl c c++
    cbl cc cfg cgi cjs cl clj cljc cljs cls cmake cmd cob coffee conf cpp cr cs csh cshtml
    csproj css cts cu cxx cypher d dart dhall diff dockerfile dpr dts edn el elm env erb erl
    ex exs f f03 f08 f90 f95 fish fnl for fs fsi fsx gd gemspec glsl gn gni go gql gradle
    graphql groovy h h++ haml hbs hcl hh hpp hrl hs hx hxx idl ini inl ipp j2 java jbuilder
    jinja jinja2 jl js json json5 jsonc jsonnet jsx ksh kt kts lean less lhs liquid lisp
    lock lsp lua m m4 mak make mdx mjs mk ml mli mm mod mts mustache nasm nim ninja nix njk
    nu nut odin pas patch php phtml pl plist pm pp pro prolog properties proto ps1 psd1 psm1
    pug purs pxd pxi py pyi pyw pyx qml r rake raku rb reg rego resx rkt robot rs s sass sbt
    scala scm scss sed sh sln smali sml sol sparql sql ss st sty sum sv svelte svg svh swift
    tcl templ tf tfvars thrift tk toml ts tsx twig v vala vb vba vbs vert vhd vhdl vim vue
    wat wgsl wsdl xaml xml xq xquery xsd xsl xslt yaml yml zig zsh
"""
_TEXT = """
    1 2 3 4 5 6 7 8 9 adoc asc ascii asciidoc ass changelog eml fountain ics jsonl ldif
    license log man mbox me ndjson nfo org po pod pot readme rst srt sub tex text textile
    txt vcf vtt wiki
"""

_KINDS: dict[str, str] = {
    **dict.fromkeys(_CODE.split(), "code"),
    **dict.fromkeys(_TEXT.split(), "text"),
    **dict.fromkeys(("md", "markdown", "mdown", "mkd", "mkdn", "qmd", "rmd"), "markdown"),
    **dict.fromkeys(("csv", "tsv", "tab", "psv"), "table"),
    **dict.fromkeys(("htm", "html", "xht", "xhtml"), "html"),
    **dict.fromkeys(("rss", "atom"), "rss"),
    **dict.fromkeys(("docx", "docm", "dotx", "dotm"), "docx"),
    **dict.fromkeys(("pptx", "pptm", "ppsx", "potx"), "pptx"),
    **dict.fromkeys(("xlsx", "xlsm", "xltx", "xltm"), "xlsx"),
    **dict.fromkeys(("xls", "xlt", "xla"), "xls"),
    **dict.fromkeys(("doc", "dot"), "doc"),
    **dict.fromkeys(("ppt", "pps", "pot"), "ppt"),
    **dict.fromkeys(("msg", "oft"), "msg"),
    **{same: same for same in ("pdf", "epub", "ipynb", "zip", "rtf")},
}

_WHOLE_NAMES: dict[str, str] = {
    **dict.fromkeys(
        (
            "brewfile",
            "build",
            "caddyfile",
            "cmakelists.txt",
            "dockerfile",
            "gemfile",
            "gnumakefile",
            "go.mod",
            "jenkinsfile",
            "justfile",
            "makefile",
            "meson.build",
            "podfile",
            "procfile",
            "rakefile",
            "vagrantfile",
            "workspace",
        ),
        "code",
    ),
    **dict.fromkeys(("authors", "changelog", "copying", "license", "notice", "readme"), "text"),
}


def kind_by_name(name: str) -> str:
    """Return the kind a name promises; empty where it promises nothing."""
    last = name.rpartition("/")[2].lower()
    dot = last.rfind(".")
    if dot > 0:
        found = _KINDS.get(last[dot + 1 :])
        if found == "text" and last in _WHOLE_NAMES:
            return _WHOLE_NAMES[last]
        if found:
            return found
    return _WHOLE_NAMES.get(last, "code" if dot == 0 else "")
