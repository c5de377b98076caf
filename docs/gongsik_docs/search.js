// The browser's half of search.py. Words of a query: Korean without particles, all else in lower case.
const koreanWords = (query) =>
  query.toLowerCase().split(/\s+/u).flatMap((chunk) => {
    const parts = chunk.match(/[가-힣]+|(?:(?![가-힣])[\p{L}\p{N}_])+/gu) ?? [];
    return parts.flatMap((part, i) => {
      if (!/[가-힣]/u.test(part)) return [part];
      if (i > 0 && KOREAN_PARTICLES.includes(part)) return []; // Adam의
      const end = KOREAN_PARTICLES.find((e) => part.endsWith(e) && part.length >= e.length + 2);
      return [end ? part.slice(0, -end.length) : part];
    });
  });

// Runs of three syllables say more than runs of two; a shorter word is a term itself.
var splitQuery = (query) =>
  koreanWords(query).flatMap((word) =>
    /[가-힣]/u.test(word) && word.length > 3
      ? Array.from({ length: word.length - 2 }, (_, i) => word.slice(i, i + 3))
      : [word],
  );

// Formulas whose Korean title, English title or name has every word of the query, the closest match last.
const searchCards = (query) => {
  const { indexentries, alltitles, docnames, filenames, titles } = Search._index;
  const words = koreanWords(query);
  const letters = words.join("").length;
  const names = new Map();
  for (const [title, places] of Object.entries(alltitles))
    for (const [file, id] of places) names.set(`${file}#${id}`, title);
  const best = new Map();
  for (const [entry, places] of Object.entries(indexentries)) {
    const joined = entry.toLowerCase().replace(/[^\p{L}\p{N}_]/gu, "");
    if (!words.length || !words.every((word) => joined.includes(word))) continue;
    for (const [file, id, main] of places) {
      const key = `${file}#${id}`;
      const score = Math.round((100 * letters) / joined.length);
      if (!main || (best.get(key)?.[4] ?? -1) >= score) continue;
      best.set(key, [
        docnames[file], names.get(key) ?? entry, `#${id}`, titles[file], score, filenames[file], SearchResultKind.title,
      ]);
    }
  }
  return [...best.values()].sort(_orderResultsByScoreThenName);
};

// The theme loads this file after searchtools.js.
const performSearch = Search._performSearch;
Search._performSearch = (query, ...terms) => {
  const cards = searchCards(query);
  const shown = new Set(cards.map((card) => card[0] + card[2]));
  return [...performSearch(query, ...terms).filter((result) => !shown.has(result[0] + result[2])), ...cards];
};
const htmlToText = Search.htmlToText;
Search.htmlToText = (html, anchor) => // a formula once, not as it is drawn and as it is read aloud
  htmlToText(html.replace(/<span class="katex-mathml">.*?<\/math><\/span>/gs, ""), anchor).replace(/\s+/gu, " ");
const parseQuery = Search._parseQuery;
Search._parseQuery = (query) => {
  const [text, terms, excluded, , objects] = parseQuery(query);
  const words = new Set(koreanWords(query)); // whole words are marked, not runs of syllables
  localStorage.setItem("sphinx_highlight_terms", [...words].join(" "));
  return [text, terms, excluded, words, objects];
};
