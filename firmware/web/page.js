// The page: a file or the microphone in, decisions and scores of each window out. Nothing leaves this computer.

const RECORDER = `registerProcessor('recorder', class extends AudioWorkletProcessor {
    process(inputs) {
        if (inputs[0][0]) this.port.postMessage(inputs[0][0].slice());
        return true;
    }
});`;
const PAUSE_MS = 30; // between two pauses in which the browser can draw
const LIVE_WINDOWS = 600; // that the timeline of the microphone shows
const UNCERTAIN = 'hsl(0 0% 55%)';

const element = (id) => document.getElementById(id);
const color = (label) => `hsl(${Math.round((model.labels.indexOf(label) * 360) / model.labels.length + 210) % 360} 65% 50%)`;
const seconds = (samples) => samples / model.frequency;

const classifier = await Classifier.create();
let results = []; // {start, scores}; start in samples
let shown = -1; // index of the window whose scores are shown; -1: the newest
let run = 0; // number of the file or recording; an older one stops when it is not the newest any more
let microphone = null;

const threshold = () => Number(element('threshold').value);
const hop = () => Math.max(1, Math.round((Number(element('hop').value) || 0.5) * model.frequency));

function status(text) {
    element('status').textContent = text;
}

function classify(samples, start) {
    results.push({ start, scores: classifier.classify(samples) });
}

// Files

async function openFile(file) {
    const mine = begin();
    status(`Reading ${file.name} …`);
    const source = await openWav(file);
    const exact = source !== null && source.frequency === model.frequency;
    const audio = exact ? source : await decoded(file);
    if (mine !== run) return;
    const player = element('player');
    URL.revokeObjectURL(player.src);
    player.src = URL.createObjectURL(file);
    player.hidden = false;
    await classifyAll(audio, mine);
    if (mine !== run) return;
    const note = exact ? '' : `, resampled to ${model.frequency} Hz by the browser`;
    const short = `shorter than one window of ${seconds(model.windowSamples)} s`;
    status(`${file.name}: ${seconds(audio.length).toFixed(1)} s${note}, ${results.length ? `${results.length} windows` : short}`);
}

async function decoded(file) {
    const context = new OfflineAudioContext(1, 1, model.frequency);
    const buffer = await context.decodeAudioData(await file.arrayBuffer());
    const channels = Array.from({ length: buffer.numberOfChannels }, (_, i) => buffer.getChannelData(i));
    const mean = (i) => channels.reduce((sum, channel) => sum + channel[i], 0) / channels.length;
    const mixed = channels.length === 1 ? channels[0] : Float32Array.from(channels[0], (_, i) => mean(i));
    return { length: mixed.length, read: async (from, to) => toInt16(mixed.subarray(from, to)) };
}

async function classifyAll(audio, mine) {
    const step = hop();
    let paused = performance.now();
    for (let start = 0; start + model.windowSamples <= audio.length; start += step) {
        const samples = await audio.read(start, start + model.windowSamples);
        if (mine !== run) return;
        classify(samples, start);
        if (performance.now() - paused < PAUSE_MS) continue;
        draw();
        await new Promise((resolve) => setTimeout(resolve));
        paused = performance.now();
    }
    if (mine === run) draw();
}

function begin() {
    stopMicrophone();
    results = [];
    shown = -1;
    element('result').hidden = true;
    element('player').hidden = true;
    return ++run;
}

// Microphone

async function startMicrophone() {
    const mine = begin();
    const stream = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
    const context = await recordingContext(stream);
    if (mine !== run) return release(stream, context); // a file was opened in the meantime
    microphone = { stream, context };
    element('microphone').setAttribute('aria-pressed', 'true');
    element('microphone').textContent = 'Stop the microphone';
    status('The microphone is on. Nothing is sent or stored.');
    // Pages from the disk may not load a worklet from a blob.
    await context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(RECORDER)}`);
    const recorder = new AudioWorkletNode(context, 'recorder', { numberOfOutputs: 0 });
    context.createMediaStreamSource(stream).connect(recorder);
    const size = Math.round((model.windowSamples * context.sampleRate) / model.frequency);
    const newest = new Newest(size);
    let due = size;
    recorder.port.onmessage = async ({ data }) => {
        newest.add(data);
        if (mine !== run || newest.count < due) return;
        const step = (hop() * context.sampleRate) / model.frequency;
        due = Math.max(due + step, newest.count); // windows are left out where the computer is too slow
        const start = Math.round(((newest.count - size) * model.frequency) / context.sampleRate);
        const samples = await atFrequency(newest.samples(), context.sampleRate);
        if (mine !== run) return;
        classify(toInt16(samples), start);
        results.splice(0, results.length - LIVE_WINDOWS);
        draw();
    };
}

// Some browsers cannot record at the model's frequency; they record at their own.
async function recordingContext(stream) {
    const context = new AudioContext({ sampleRate: model.frequency });
    try {
        context.createMediaStreamSource(stream);
        return context;
    } catch {
        await context.close();
        return new AudioContext();
    }
}

async function atFrequency(samples, rate) {
    if (rate === model.frequency) return samples;
    const context = new OfflineAudioContext(1, model.windowSamples, model.frequency);
    const source = context.createBufferSource();
    source.buffer = context.createBuffer(1, samples.length, rate);
    source.buffer.copyToChannel(samples, 0);
    source.connect(context.destination);
    source.start();
    return (await context.startRendering()).getChannelData(0);
}

function stopMicrophone() {
    if (microphone === null) return;
    release(microphone.stream, microphone.context);
    microphone = null;
    run++;
    element('microphone').setAttribute('aria-pressed', 'false');
    element('microphone').textContent = 'Use the microphone';
    status('The microphone is off.');
}

function release(stream, context) {
    stream.getTracks().forEach((track) => track.stop());
    context.close();
}

// The newest samples of a stream.
class Newest {
    constructor(size) {
        this.ring = new Float32Array(size);
        this.count = 0;
    }

    add(samples) {
        for (const sample of samples) this.ring[this.count++ % this.ring.length] = sample;
    }

    samples() {
        const at = this.count % this.ring.length;
        const ordered = new Float32Array(this.ring.length);
        ordered.set(this.ring.subarray(at));
        ordered.set(this.ring.subarray(0, at), this.ring.length - at);
        return ordered;
    }
}

// Results

function draw() {
    element('result').hidden = results.length === 0;
    if (results.length === 0) return;
    drawScores(results.at(shown));
    drawTimeline();
}

function drawScores({ start, scores }) {
    const found = decision(scores, threshold());
    element('decision').textContent = `${found} at ${seconds(start).toFixed(2)} s`;
    element('decision').style.color = found === 'uncertain' ? UNCERTAIN : color(found);
    model.labels.forEach((label, i) => {
        element(`meter-${i}`).value = scores[i];
        element(`value-${i}`).textContent = scores[i].toFixed(3);
    });
}

function drawTimeline() {
    const canvas = element('timeline');
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const context = canvas.getContext('2d');
    context.scale(ratio, ratio);
    const column = width / results.length;
    const counts = new Map();
    results.forEach(({ scores }, i) => {
        const found = decision(scores, threshold());
        counts.set(found, (counts.get(found) ?? 0) + 1);
        const top = Math.max(...scores) * height;
        context.fillStyle = found === 'uncertain' ? UNCERTAIN : color(found);
        context.fillRect(i * column, height - top, Math.max(column - (column > 4 ? 1 : 0), 1), top);
    });
    context.fillStyle = getComputedStyle(document.body).color;
    context.fillRect(0, height - threshold() * height, width, 1);
    const texts = [...counts].map(([label, count]) => `${label}: ${count}`);
    canvas.setAttribute('aria-label', `Timeline of ${results.length} windows. ${texts.join(', ')}.`);
    drawLegend(counts);
}

function drawLegend(counts) {
    const entries = [...model.labels, 'uncertain'].filter((label) => counts.has(label)).map((label) => {
        const entry = document.createElement('span');
        const mark = document.createElement('i');
        mark.style.background = label === 'uncertain' ? UNCERTAIN : color(label);
        entry.append(mark, `${label}: ${counts.get(label)}`);
        return entry;
    });
    element('legend').replaceChildren(...entries);
}

function csv() {
    const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const rows = results.map(({ start, scores }) => [seconds(start), quoted(decision(scores, threshold())), ...scores]);
    const head = ['start_s', 'decision', ...model.labels.map(quoted)];
    return [head, ...rows].map((row) => `${row.join(',')}\n`).join('');
}

function save() {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([csv()], { type: 'text/csv' }));
    link.download = 'scores.csv';
    link.click();
    URL.revokeObjectURL(link.href);
}

function select(event) {
    const canvas = element('timeline');
    shown = Math.min(results.length - 1, Math.max(0, Math.floor((event.offsetX / canvas.clientWidth) * results.length)));
    element('player').currentTime = seconds(results[shown].start);
    draw();
}

// Start

function attempt(action) {
    return async (...values) => {
        try {
            await action(...values);
        } catch (error) {
            stopMicrophone();
            status(`Error: ${error.message || error}`);
        }
    };
}

model.labels.forEach((label, i) => {
    const name = document.createElement('span');
    const meter = Object.assign(document.createElement('meter'), { id: `meter-${i}`, ariaLabel: `score of ${label}` });
    const value = Object.assign(document.createElement('span'), { id: `value-${i}`, className: 'value' });
    name.textContent = label;
    element('scores').append(name, meter, value);
});
element('about').textContent =
    `Deployment ${model.deployVersion} by ${model.owner}: ${model.labels.join(', ')}; windows of ` +
    `${seconds(model.windowSamples)} s at ${model.frequency} Hz; model ${model.modelSha256.slice(0, 12)}. ` +
    'Sound is classified on this computer and is not sent anywhere.';
element('threshold').value = model.threshold;
const openChosen = attempt(openFile);
element('threshold').addEventListener('input', () => {
    element('threshold-value').textContent = threshold().toFixed(2);
    draw();
});
element('threshold').dispatchEvent(new Event('input'));
element('file').addEventListener('change', (event) => {
    const [file] = event.target.files;
    event.target.value = ''; // so that the same file can be chosen again
    if (file) openChosen(file);
});
element('microphone').addEventListener('click', attempt(() => (microphone ? stopMicrophone() : startMicrophone())));
element('save').addEventListener('click', save);
element('timeline').addEventListener('click', select);
window.addEventListener('resize', draw);
document.addEventListener('dragover', (event) => {
    event.preventDefault();
    element('drop').classList.add('over');
});
document.addEventListener('dragleave', () => element('drop').classList.remove('over'));
document.addEventListener('drop', (event) => {
    event.preventDefault();
    element('drop').classList.remove('over');
    if (event.dataTransfer.files[0]) openChosen(event.dataTransfer.files[0]);
});
status('Ready.');
