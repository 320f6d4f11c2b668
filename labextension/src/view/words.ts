import { english, type Say } from "../../../kernel-ext/protocol/job-words.ts"

/** The reader's language: English until the page around the view knows better. Texts are JupyterLab's: "%1" is a value. */

let say: Say = english

export function setLanguage(translate: Say): void {
  say = translate
}

export const t: Say = (text, ...values) => say(text, ...values)
