// The search of the built site, without a browser: results of each query, the best first, as [page, anchor, title].
// Usage: node search_in_node.js SITE '["query", ...]'
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const [site, queries] = process.argv.slice(2);
const element = { lastChild: null };
Object.assign(globalThis, {
  window: globalThis,
  document: { getElementById: () => element },
  localStorage: { setItem: () => {} },
  SPHINX_HIGHLIGHT_ENABLED: true,
  _: (text) => text,
  _ready: () => {},
});
for (const script of ["_static/searchtools.js", "_static/language_data.js", "searchindex.js"])
  vm.runInThisContext(fs.readFileSync(path.join(site, script), "utf8"), script);
const found = JSON.parse(queries).map((query) =>
  vm.runInThisContext(`Search._performSearch(...Search._parseQuery(${JSON.stringify(query)}))`)
    .reverse()
    .map(([page, title, anchor]) => [page, anchor, title]),
);
process.stdout.write(JSON.stringify(found));
