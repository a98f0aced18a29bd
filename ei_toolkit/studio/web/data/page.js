// The data page: the samples of the project.

import { html } from "../html.js";
import { get } from "../api.js";
import { counted } from "../formats.js";
import { Loaded, useLoad } from "../ui.js";

export default function DataPage() {
  const total = useLoad((signal) => get("/raw-data/count", { category: "all" }, signal), []);
  return html`<h1>Data</h1>
    <${Loaded} of=${total}>${({ count }) => html`<p>${counted(count, "sample")}</p>`}<//>`;
}
