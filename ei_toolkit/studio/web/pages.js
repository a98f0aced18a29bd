// The pages in the order of the navigation. README.md describes how a page is added.

/**
 * `path` is the part of the address after the project. `load` imports the module of the page, whose default export is a
 * component with the properties `session` and `address`.
 */
export const PAGES = [
  { name: "Data", path: "acquisition", load: () => import("./data/page.js") },
];
