// The curves of a training that is running, read from the lines of its log as Keras writes them.

const METRIC = /\b((?:val_)?(?:accuracy|loss)|learning_rate): ([-+\d.eE]+)/g;
const EPOCH = /^Epoch (\d+)\/(\d+)/;

/** Return {epoch, epochs, history} of the lines of a log; `history` maps a metric of Keras to its values. */
export function readLog(lines) {
  let [epoch, epochs] = [0, 0];
  let history = {};
  for (const line of lines) {
    const started = EPOCH.exec(line);
    if (started) {
      if (started[1] === "1") history = {}; // another fold, or the final training
      [epoch, epochs] = [Number(started[1]), Number(started[2])];
      continue;
    }
    for (const [, name, value] of line.matchAll(METRIC)) {
      if (epoch && Number.isFinite(Number(value))) (history[name] ??= [])[epoch - 1] = Number(value);
    }
  }
  return { epoch, epochs, history };
}

/** Return the same history from `tensorboardGraphs` of a trained model. */
export function historyOf(graphs) {
  const history = {};
  for (const graph of graphs ?? []) {
    for (const { title, values } of graph.data) {
      history[(title === "validation" ? "val_" : "") + graph.title.toLowerCase()] = values;
    }
  }
  return history;
}
