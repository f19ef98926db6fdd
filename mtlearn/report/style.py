"""The looks of the page: one column on a phone, wider on a desk, light or dark as the reader's."""

STYLE = """
:root { color-scheme: light dark; --ink: #1c1f23; --soft: #59616b; --page: #ffffff; --line: #d8dde3;
  --card: #f4f6f8; --yes: #0b6e4f; --no: #8a5a00; --helped: #005f96; --hurt: #a64500; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --soft: #a3acb6; --page: #15181c; --line: #3a414a; --card: #1f242a;
    --yes: #5fd3a8; --no: #f0b95a; --helped: #6fbdf0; --hurt: #f3955a; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 1rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; border-top: 1px solid var(--line);
  padding-top: 1rem; }
p, dl { max-width: 46rem; margin: .6rem 0; }
.soft, figcaption, caption { color: var(--soft); }
.soft { font-size: .9rem; }
.verdict { border-left: .35rem solid var(--no); background: var(--card); padding: .8rem 1rem;
  margin: 1rem 0; max-width: 46rem; font-size: 1.05rem; }
.verdict.yes { border-color: var(--yes); }
.note { border-left: .35rem solid var(--line); padding: .1rem 1rem; margin: .6rem 0;
  max-width: 46rem; font-size: .95rem; }
.scroll { overflow-x: auto; margin: .8rem 0; }
.scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--helped); }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .3rem; max-width: min(46rem, calc(100vw - 2rem)); }
th, td { padding: .28rem .6rem; text-align: right; vertical-align: top; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
thead th { vertical-align: bottom; white-space: normal; border-bottom: 2px solid var(--soft);
  overflow-wrap: normal; }
th[scope=row], .text { text-align: left; }
th[scope=row] { font-weight: 400; white-space: normal; min-width: 9.5rem;
  max-width: 22rem; position: sticky; left: 0; background: var(--page); }
thead th:first-child { position: sticky; left: 0; background: var(--page); }
tr.best th, tr.best td { font-weight: 700; }
tr.helped td.text { color: var(--helped); }
tr.hurt td.text { color: var(--hurt); }
.pictures { display: grid; gap: 1.2rem; grid-template-columns: repeat(auto-fit,
  minmax(min(100%, 27rem), 1fr)); align-items: start; }
figure { margin: 0; }
figure img { display: block; width: 100%; max-width: 36rem; height: auto; background: #ffffff;
  border: 1px solid var(--line); border-radius: .4rem; padding: .3rem; }
figcaption { max-width: 36rem; font-size: .95rem; margin: 0 0 .4rem; }
dl { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: .2rem 1rem; }
dt { color: var(--soft); }
dd { margin: 0; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .4rem;
  padding: .7rem .9rem; overflow-x: auto; font-size: .85rem; white-space: pre-wrap; }
summary { cursor: pointer; padding: .4rem 0; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; } dt { margin-top: .4rem; } }
@media print { .scroll { overflow: visible; } body { max-width: none; } }
"""
