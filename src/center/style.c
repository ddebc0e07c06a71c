/* SPDX-License-Identifier: Apache-2.0 */
/* Style sheet and icon. Colours keep a contrast of at least 7:1 for text in both schemes (WCAG 2.2, 1.4.6); targets
 * are at least 44 pixels high (2.5.5); nothing is told by colour alone; no fixed widths, so phones and 400 % zoom
 * reflow (1.4.10). */
#include "center/style.h"

struct slice style_sheet(void)
{
    return SLICE_LIT(
        ":root{color-scheme:light dark;--back:#f3f5f7;--card:#fff;--text:#17212b;--soft:#44515e;--line:#c3ccd5;"
        "--mark:#0b4f8a;--on-mark:#fff;--warn:#8a1c1c;--warn-back:#fdf0f0;--focus:#0b4f8a}\n"
        "@media (prefers-color-scheme:dark){:root{--back:#10161c;--card:#1a222b;--text:#eef2f6;--soft:#c0cad4;"
        "--line:#44515e;--mark:#9fd0ff;--on-mark:#0c1a28;--warn:#ffc4c4;--warn-back:#3a1a1a;--focus:#9fd0ff}}\n"
        "*{box-sizing:border-box}\n"
        "html{font-size:100%;-webkit-text-size-adjust:100%;text-size-adjust:100%}\n"
        "body{margin:0;background:var(--back);color:var(--text);font:1.0625rem/1.55 system-ui,-apple-system,"
        "\"Segoe UI\",Roboto,\"Noto Sans\",sans-serif;overflow-wrap:anywhere}\n"
        "header,main,footer{max-width:44rem;margin:0 auto;padding:0 1rem}\n"
        "header{padding-top:1.5rem;padding-bottom:.75rem;color:var(--soft);font-weight:600}\n"
        "footer{padding-top:1rem;padding-bottom:2rem;color:var(--soft);font-size:.9375rem}\n"
        ".card{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1.25rem;"
        "margin-bottom:1rem}\n"
        "@media (min-width:40rem){.card{padding:2rem}}\n"
        "h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}\n"
        "h2{font-size:1.125rem;line-height:1.3;margin:1.75rem 0 .5rem}\n"
        "p{margin:0 0 1rem}\n"
        "form{margin:1.25rem 0 0}\n"
        "label{display:block;font-weight:600;margin-bottom:.375rem}\n"
        "input{font:inherit;font-size:1.5rem;letter-spacing:.15em;width:100%;max-width:15rem;min-height:3rem;"
        "padding:.375rem .75rem;color:var(--text);background:var(--card);border:2px solid var(--soft);"
        "border-radius:.5rem}\n"
        "button,.button{display:inline-block;font:inherit;font-weight:600;min-height:2.75rem;padding:.5rem 1.25rem;"
        "margin:.75rem 0 0;color:var(--on-mark);background:var(--mark);border:2px solid var(--mark);"
        "border-radius:.5rem;cursor:pointer;text-decoration:none}\n"
        "button.second{color:var(--mark);background:transparent}\n"
        ":focus-visible{outline:3px solid var(--focus);outline-offset:3px}\n"
        "a{color:var(--mark);text-underline-offset:.15em}\n"
        "a.whole{display:inline-block;padding:.5rem 0;min-height:2.75rem}\n"
        ".note{border-left:.375rem solid var(--warn);background:var(--warn-back);color:var(--warn);"
        "padding:.75rem 1rem;border-radius:.375rem;font-weight:600}\n"
        ".soft{color:var(--soft)}\n"
        "form+.soft{margin-top:1.25rem}\n"
        ".others{display:flex;flex-wrap:wrap;gap:0 .75rem;border-top:1px solid var(--line);margin-top:1.75rem;"
        "padding-top:.5rem}\n"
        ".others form{margin:0}\n"
        "dl{margin:0 0 1.25rem;display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem}\n"
        "dt{color:var(--soft);font-weight:600}\n"
        "dd{margin:0;min-width:0}\n"
        "pre{font:inherit;white-space:pre-wrap;margin:0;padding-top:1.25rem;border-top:1px solid var(--line);"
        "unicode-bidi:plaintext;tab-size:4}\n"
        "ul.files{list-style:none;margin:0;padding:0}\n"
        "ul.files li{display:flex;flex-wrap:wrap;align-items:center;gap:0 .75rem;border:1px solid var(--line);"
        "border-radius:.5rem;margin:.5rem 0;padding:0 1rem}\n"
        "ul.files a{padding:.625rem 0;min-height:2.75rem}\n"
        "@media print{body{background:#fff;color:#000}.card{border:0;padding:0}form,.others,footer{display:none}}\n");
}

struct slice style_icon(void)
{
    return SLICE_LIT("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\">"
                     "<rect x=\"2\" y=\"6\" width=\"28\" height=\"20\" rx=\"3\" fill=\"#0b4f8a\"/>"
                     "<path d=\"M4 9l12 9 12-9\" fill=\"none\" stroke=\"#fff\" stroke-width=\"2.5\"/>"
                     "<circle cx=\"16\" cy=\"19\" r=\"4.5\" fill=\"#c9342f\" stroke=\"#fff\" stroke-width=\"1.5\"/></svg>\n");
}
