/**
 * Reads a TypeScript file as far as the gate needs: its code without comments and texts, its
 * imports, its doc comments.
 * @module
 */

/** One `import` or `export … from`. */
export interface Import {
  readonly specifier: string;
  /** A `type` is gone when the types are; a `dynamic` one, `import(…)`, loads when it is called. */
  readonly kind: "value" | "type" | "dynamic";
}

/** A file taken apart. */
export interface Source {
  /** The code, with every comment and the inside of every text blanked; positions are kept. */
  readonly code: string;
  readonly imports: readonly Import[];
  /** The block comments that begin with two stars. */
  readonly docs: readonly string[];
}

const STATEMENT =
  /^(?:import|export)\s+(type\s+)?(?:\*(?:\s+as\s+[\w$]+)?|([\w$]+\s*,\s*)?\{([^}]*)\}|[\w$]+(?:\s*,\s*\*\s+as\s+[\w$]+)?)\s*from\s*"/gm;
const EFFECT = /^import\s*"/gm;
const DYNAMIC = /\bimport\(\s*"/g;

/** Takes a file apart. */
export function parseSource(text: string): Source {
  const { code, docs } = blank(text);
  const imports: Import[] = [];
  const add = (match: RegExpExecArray, kind: Import["kind"]) => {
    const start = match.index + match[0].length;
    imports.push({ specifier: text.slice(start, text.indexOf('"', start)), kind });
  };
  for (const match of code.matchAll(STATEMENT)) {
    const [, type, byDefault, named] = match;
    const names = named?.split(",").filter((name) => name.trim() !== "") ?? [];
    const isOnlyTypes = byDefault === undefined && names.length > 0 &&
      names.every((name) => /^\s*type\s/.test(name));
    add(match, type !== undefined || isOnlyTypes ? "type" : "value");
  }
  for (const match of code.matchAll(EFFECT)) add(match, "value");
  for (const match of code.matchAll(DYNAMIC)) add(match, "dynamic");
  return { code, imports, docs };
}

/** After one of these, or after a sign, a slash begins a regular expression. */
const BEFORE_REGEXP =
  /(?:^|[({[,;:=&|?*%~^<>}]|(?<!\+)\+|(?<!-)-|(?<![\w$)\]])!|\b(?:return|typeof|case|in|of|do|else|void|yield|await))\s*$/;

function blank(text: string): { code: string; docs: string[] } {
  const docs: string[] = [];
  /** For each open `${`, how many braces are open inside it. */
  const holes: number[] = [];
  let code = "";
  let i = 0;
  const skipTo = (end: number) => {
    code += text.slice(i, end).replaceAll(/[^\n]/g, " ");
    i = end;
  };
  const keep = () => code += text[i++];
  const skipText = (isEnd: (char: string) => boolean) => {
    let end = i;
    while (end < text.length && !isEnd(text[end]!)) end += text[end] === "\\" ? 2 : 1;
    skipTo(Math.min(end, text.length));
  };
  const template = () => {
    let end = i;
    while (end < text.length && text[end] !== "`" && !text.startsWith("${", end)) {
      end += text[end] === "\\" ? 2 : 1;
    }
    skipTo(Math.min(end, text.length));
    if (text[i] === "$") {
      skipTo(i + 2);
      holes.push(0);
    } else if (i < text.length) keep();
  };
  while (i < text.length) {
    const char = text[i]!;
    if (text.startsWith("//", i) || (i === 0 && text.startsWith("#!"))) {
      skipText((char) => char === "\n");
    } else if (text.startsWith("/*", i)) {
      const close = text.indexOf("*/", i + 2);
      const end = close < 0 ? text.length : close + 2;
      if (text.startsWith("/**", i)) docs.push(text.slice(i, end));
      skipTo(end);
    } else if (char === '"' || char === "'") {
      keep();
      skipText((next) => next === char || next === "\n");
      if (i < text.length) keep();
    } else if (char === "`") {
      keep();
      template();
    } else if (char === "/" && BEFORE_REGEXP.test(code.slice(-80))) {
      keep();
      let isInClass = false;
      skipText((next) => {
        if (next === "[") isInClass = true;
        else if (next === "]") isInClass = false;
        return next === "\n" || (next === "/" && !isInClass);
      });
      if (i < text.length) keep();
    } else if (char === "}" && holes.at(-1) === 0) {
      holes.pop();
      skipTo(i + 1);
      template();
    } else {
      if (holes.length > 0 && char === "{") holes[holes.length - 1]!++;
      if (holes.length > 0 && char === "}") holes[holes.length - 1]!--;
      keep();
    }
  }
  return { code, docs };
}
