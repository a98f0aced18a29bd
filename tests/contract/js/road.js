// Upload, retrain, build and download with the official JavaScript client; prints one line of JSON.
const { EdgeImpulseApi } = require('edge-impulse-api');

const [endpoint, ingestion, apiKey, learnId] = process.argv.slice(2);

function wav(seed) {
    const samples = 24000;
    const file = Buffer.alloc(44 + 2 * samples);
    file.write('RIFF', 0);
    file.writeUInt32LE(36 + 2 * samples, 4);
    file.write('WAVEfmt ', 8);
    file.writeUInt32LE(16, 16);
    file.writeUInt16LE(1, 20);
    file.writeUInt16LE(1, 22);
    file.writeUInt32LE(16000, 24);
    file.writeUInt32LE(32000, 28);
    file.writeUInt16LE(2, 32);
    file.writeUInt16LE(16, 34);
    file.write('data', 36);
    file.writeUInt32LE(2 * samples, 40);
    for (let n = 0; n < samples; n++) {
        file.writeInt16LE(Math.round(8000 * Math.sin(n / (5 + seed))), 44 + 2 * n);
    }
    return file;
}

async function upload() {
    const form = new FormData();
    form.append('data', new Blob([wav(1)], { type: 'audio/wav' }), 'classical.js.wav');
    const headers = { 'x-api-key': apiKey, 'x-label': encodeURIComponent('classical') };
    const answer = await fetch(ingestion + '/api/training/files', { method: 'POST', headers, body: form });
    return (await answer.json()).files[0];
}

(async () => {
    const api = new EdgeImpulseApi({ endpoint });
    await api.authenticate({ method: 'apiKey', apiKey });
    const project = (await api.projects.listProjects()).projects[0].id;
    const uploaded = await upload();
    const found = await api.rawData.getSample(project, uploaded.sampleId, { limitPayloadValues: 10 });

    const lines = [];
    const follow = job => api.runJobUntilCompletion(
        { type: 'project', projectId: project, jobId: job.id }, line => lines.push(line));
    const config = await api.learn.getKeras(project, Number(learnId));
    await follow(await api.jobs.trainKerasJob(project, Number(learnId), config));
    await follow(await api.jobs.startRetrainJob(project));
    const built = await api.jobs.buildOnDeviceModelJob(
        project, { engine: 'tflite-eon', modelType: 'int8' }, { type: 'arduino' });
    await follow(built);
    const zip = await api.deployment.downloadBuild(project, { type: 'arduino', modelType: 'int8', engine: 'tflite-eon' });
    console.log(JSON.stringify({
        label: found.sample.label,
        values: found.payload.values.length,
        lines: lines.length,
        version: built.deploymentVersion,
        magic: Buffer.from(zip).subarray(0, 4).toString('hex'),
    }));
    process.exit(0);
})().catch(error => {
    console.error(error);
    process.exit(1);
});
