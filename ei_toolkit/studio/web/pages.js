// The pages in the order of the navigation. README.md describes how a page is added.

/**
 * `path` is the part of the address after the project. `load` imports the module of the page, whose default export is a
 * component with the properties `session` and `address`. The page is shown when its `styles` are loaded, too.
 */
export const PAGES = [
  { name: "Data", path: "acquisition", load: () => import("./data/page.js"), styles: ["data/page.css"] },
  { name: "Devices", path: "devices", load: () => import("./devices/page.js"), styles: ["pages.css"] },
  { name: "Impulse", path: "create-impulse", load: () => import("./impulse/page.js"), styles: ["pages.css"] },
  { name: "Features", path: "dsp", load: () => import("./impulse/features.js"), styles: ["pages.css"] },
  { name: "Training", path: "learning", load: () => import("./training/page.js"),
    styles: ["vendor/uplot.css", "pages.css"] },
  { name: "Testing", path: "validation", load: () => import("./testing/page.js"), styles: ["pages.css"] },
  { name: "Live classification", path: "classification", load: () => import("./testing/live.js"), styles: ["pages.css"] },
  { name: "Deployment", path: "deployment", load: () => import("./deployment/page.js"), styles: ["pages.css"] },
  { name: "Versions", path: "versions", load: () => import("./deployment/versions.js"), styles: ["pages.css"] },
  { name: "Jobs", path: "jobs", load: () => import("./deployment/jobs.js"), styles: ["pages.css"] },
];
