// Which language words are translated into; remembered for the next song.

import { h } from "../kit/elements.js";

const NAME = "language";
const CODES = "ar cs da de el en es fi fr he hi hu id it ja ko nl no pl pt ro ru sv tr uk vi zh".split(" ");
export const languages = new Intl.DisplayNames(["en"], { type: "language" });

// Null leaves it to the gateway. Where nothing may be kept, a choice holds until the page is left.
let chosen = kept(() => localStorage.getItem(NAME));

export function chosenLanguage() {
  return CODES.includes(chosen) ? chosen : null;
}

export class LanguageChoice {
  constructor(onChoice) {
    this.list = h("select", { onchange: () => { choose(this.list.value); onChoice(); } });
    const named = CODES.map((code) => [code, languages.of(code)]).sort(([, one], [, other]) => one.localeCompare(other));
    this.list.append(...named.map(option));
    this.element = h("label.into", {}, h("span", {}, "Translate into"), this.list);
    this.show(chosenLanguage() ?? "en");
  }

  // The gateway may be set to one that is not offered here.
  show(code) {
    if (!CODES.includes(code)) this.list.append(option([code, languages.of(code)]));
    this.list.value = code;
  }
}

function option([code, name]) {
  return h("option", { value: code }, name);
}

function choose(code) {
  chosen = code;
  kept(() => localStorage.setItem(NAME, code));
}

function kept(step) {
  try {
    return step();
  } catch {
    return null;
  }
}
