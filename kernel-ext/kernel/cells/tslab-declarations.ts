/** Types of `import … from "tslab"`: notebooks written for it have its display API, wherever the kernel is installed. */
export const tslabDeclarations = `
export declare const versions: { tslab: string; typescript: string; node: string };
/** Shows content under the cell. */
export interface Display {
  javascript(s: string): void;
  html(s: string): void;
  markdown(s: string): void;
  latex(s: string): void;
  svg(s: string): void;
  png(b: Uint8Array): void;
  jpeg(b: Uint8Array): void;
  gif(b: Uint8Array): void;
  pdf(b: Uint8Array): void;
  text(s: string): void;
  raw(contentType: string, b: string | Uint8Array): void;
}
/** A display whose content each later call replaces. */
export declare function newDisplay(): Display;
export declare const display: Display;
`
