declare module "@vscode/jupyter-ipywidgets8/dist/ipywidgets.js" {
  export function activate(): void
}
