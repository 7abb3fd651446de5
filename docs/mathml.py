"""Formulas as MathML, which browsers draw themselves: no network, no LaTeX."""

import re

from latex2mathml.converter import convert

# What latex2mathml does not know, by what it does.
KNOWN = ((r"\\operatorname\{(\w+)\}", r"\\mathrm{\1}"), (r"\\[lr]Vert", r"\\|"), (r"\\tfrac", r"\\frac"))


def mathml(text: str, display: str) -> str:
    """Return the MathML of a formula in LaTeX."""
    for unknown, known in KNOWN:
        text = re.sub(unknown, known, text)
    return convert(text, display=display)


def inline(self, node):
    """Write a formula within a line."""
    from docutils import nodes

    self.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def block(self, node):
    """Write a formula on a line of its own; ``&`` and a double backslash make it an aligned one."""
    from docutils import nodes

    text = node.astext()
    if "&" in text or r"\\" in text:
        text = r"\begin{aligned}" + text + r"\end{aligned}"
    self.body.append(self.starttag(node, "div", CLASS="formula"))
    self.body.append(mathml(text, "block") + "</div>\n")
    raise nodes.SkipNode


def setup(app):
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True}
