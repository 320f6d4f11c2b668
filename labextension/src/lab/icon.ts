import { LabIcon } from "@jupyterlab/ui-components"

/** Squares that fan out of one. */
export const jobsIcon = new LabIcon({
  name: "cellfan:jobs",
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g class="jp-icon3" fill="#616161">
<rect x="2" y="9.5" width="5" height="5" rx="1"/><rect x="11" y="2" width="5" height="5" rx="1"/><rect x="11" y="9.5" width="5" height="5" rx="1"/>
<rect x="11" y="17" width="5" height="5" rx="1"/><rect x="18" y="2" width="4" height="5" rx="1" opacity=".55"/><rect x="18" y="9.5" width="4" height="5" rx="1" opacity=".55"/>
<rect x="18" y="17" width="4" height="5" rx="1" opacity=".55"/></g></svg>`,
})
