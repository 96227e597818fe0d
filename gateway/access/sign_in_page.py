"""The page where people sign in: a form, no script, nothing from another server."""

from __future__ import annotations

import html

from gateway.page.words import LUNGS

STYLE = """
:root { color-scheme: light dark; --ink: #17212b; --muted: #52606d; --line: #d8dfe5; --back: #f3f5f7; --panel: #fff;
  --accent: #0b5f78; --on-accent: #fff; --edge: #6c7c89; --fault: #a33b00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4eaef; --muted: #9fadb9; --line: #27323b; --back: #0c1115;
  --panel: #141b21; --accent: #74c9e0; --on-accent: #0c1115; --edge: #8496a3; --fault: #ffb07c; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; align-items: center;
  padding: 12vh 16px 40px;
  background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { width: 100%; max-width: 400px; background: var(--panel); border: 1px solid var(--line); border-radius: 10px;
  padding: 24px; }
.brand { display: flex; align-items: center; gap: 12px; margin-bottom: 20px; } .brand svg { color: var(--accent); }
h1 { font-size: 20px; font-weight: 650; letter-spacing: -0.01em; line-height: 1.2; margin: 0; }
p { margin: 0; } .muted { color: var(--muted); font-size: 13px; }
label { display: block; font-weight: 550; margin: 14px 0 4px; }
input { width: 100%; font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--edge);
  border-radius: 7px; padding: 9px 11px; min-height: 44px; }
button { width: 100%; font: inherit; font-weight: 600; color: var(--on-accent); background: var(--accent); border: 0;
  border-radius: 7px; min-height: 44px; margin-top: 20px; cursor: pointer; }
:is(input, button):focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.fault { border-left: 4px solid var(--fault); padding: 2px 0 2px 12px; margin-bottom: 4px; }
footer { max-width: 400px; margin-top: 18px; }
"""

NO_ACCOUNTS = "This server has no accounts yet; its operator adds them: <code>python -m gateway accounts add</code>."


def sign_in_page(*, wanted: str, fault: str = "", name: str = "", accounts: bool = True) -> str:
    """HTML of the form; ``wanted`` is where it leads, ``fault`` a sentence on why the last attempt failed."""
    said = f'<p class="fault" id="fault" role="alert">{html.escape(fault)}</p>' if fault else ""
    wrong = ' aria-invalid="true" aria-describedby="fault"' if fault else ""
    start, again = ("", " autofocus") if name else (" autofocus", "")
    hint = "" if accounts else f'<p class="muted">{NO_ACCOUNTS}</p>'
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{"Not signed in" if fault else "Sign in"} - PneumoServe</title><style>{STYLE}</style></head><body>
<main>
<div class="brand">{LUNGS}<div><h1>PneumoServe</h1>
<p class="muted">Sign in to send and read chest X-rays</p></div></div>
{said}{hint}
<form method="post" action="sign-in">
<input type="hidden" name="next" value="{html.escape(wanted)}">
<label for="name">Name</label>
<input id="name" name="name" value="{html.escape(name)}" autocomplete="username" autocapitalize="none"
  spellcheck="false" required{start}{wrong}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required{again}{wrong}>
<button type="submit">Sign in</button>
</form>
</main>
<footer class="muted"><p>Research and demonstration; not a medical device. Signing in, reading and sending films is
recorded.</p></footer>
</body></html>"""
