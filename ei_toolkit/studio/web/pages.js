// The pages in the order of the navigation. README.md describes how a page is added.

/**
 * `path` is the part of the address after the project. `load` imports the module of the page, whose default export is a
 * component with the properties `session` and `address`.
 */
export const PAGES = [
  { name: "Data", path: "acquisition", load: () => import("./data/page.js") },
  { name: "Impulse", path: "create-impulse", load: () => import("./impulse/page.js") },
  { name: "Features", path: "dsp", load: () => import("./impulse/features.js") },
  { name: "Training", path: "learning", load: () => import("./training/page.js") },
  { name: "Testing", path: "validation", load: () => import("./testing/page.js") },
  { name: "Live classification", path: "classification", load: () => import("./testing/live.js") },
  { name: "Deployment", path: "deployment", load: () => import("./deployment/page.js") },
  { name: "Versions", path: "versions", load: () => import("./deployment/versions.js") },
  { name: "Jobs", path: "jobs", load: () => import("./deployment/jobs.js") },
];
