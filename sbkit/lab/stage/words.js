// words.js: the catalogue of labels; whoever joins the files teaches it what stands in plots/words.json.

const WORDS = {};

export function learn(words) {
  Object.assign(WORDS, words);
}

/** A text of the catalogue, its {places} filled. */
export function say(part, name, values = {}) {
  return WORDS[part][name].replace(/\{(\w+)\}/g, (_, place) => values[place]);
}
