// Sets a list of formulas: [[tex, display], ...] on standard input, [{html} or {error}, ...] on standard output.
import katex from "katex";

let input = "";
for await (const chunk of process.stdin) input += chunk;

const rendered = JSON.parse(input).map(([tex, display]) => {
  try {
    return { html: katex.renderToString(tex, { displayMode: display, output: "htmlAndMathml", strict: "error" }) };
  } catch (error) {
    return { error: error.message };
  }
});
process.stdout.write(JSON.stringify(rendered));
