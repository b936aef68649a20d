"""Texts that would run as code, or leave their place, wherever they are not treated as text."""

from __future__ import annotations

FLAG = "pwned"  # what each of them would set on the page's window
RUN = f"window.{FLAG}=1"
HOSTILE = {
    "image": f"<img src=x onerror={RUN}>",
    "script": f"</script><script>{RUN}</script>",
    "svg": f'"><svg onload={RUN}>',
    "attribute": f"' onmouseover='{RUN}' autofocus onfocus='{RUN}",
    "link": f'<a href="javascript:{RUN}">press</a>',
    "markdown": f"[press](javascript:{RUN})",
    "comment": f"--><!--<script>{RUN}</script>",
    "lines": f"\u2028{RUN}//\u2029",
    "template": "{{7*7}} {title} {% x %} ${" + RUN + "} %{x}",
    "style": f"</style><style>*{{display:none}}</style><script>{RUN}</script>",
    "entity": f"&lt;img src=x onerror={RUN}&gt;",
}
ALL = " ".join(HOSTILE.values())
