// Files that are no plain WAV are decoded by ffmpeg, in a process that can do nothing else; and whatever it does, or a file
// does to it, the server goes on and nothing is left.
import test, { before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Server, withServer, set, fake, build, alive } from './lib/server.mjs';
import { clip, babble, silence, join } from './lib/speech.mjs';
import { assertSaid } from './lib/words.mjs';
import { wav } from './lib/audio.mjs';
import { leftWell, terminate } from './lib/ops.mjs';
import { leavesBehind, trace } from './lib/faults.mjs';
import { postAndLeave } from './lib/leaving.mjs';
import { deadline } from './lib/wait.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'stenopool-containers-'));
fs.chmodSync(dir, 0o755); // decoders are not root's
after(() => fs.rmSync(dir, { recursive: true }));

const noFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'there is no ffmpeg';
const isRoot = process.getuid() === 0;

// A file of that name, made from samples or by ffmpeg's own means.
async function make(name, from, ...args) {
  const file = path.join(dir, name);
  const source = Array.isArray(from) ? from : ['-i', path.join(dir, 'source.wav')];
  if (!Array.isArray(from)) fs.writeFileSync(path.join(dir, 'source.wav'), wav(from));
  await promisify(execFile)('ffmpeg', ['-nostdin', '-loglevel', 'error', '-y', ...source, ...args, file]);
  return fs.readFileSync(file);
}

function form(bytes, fields = {}) {
  const f = new FormData();
  f.append('file', new Blob([bytes]), 'speech');
  for (const [name, value] of Object.entries(fields)) f.append(name, value);
  return f;
}
function ask(s, bytes, fields = {}, options = {}) {
  return fetch(`http://${s.address}/v1/audio/transcriptions`, { method: 'POST', body: form(bytes, fields), ...options });
}
async function hear(s, bytes, fields) {
  const r = await ask(s, bytes, fields);
  const body = await r.text();
  assert.equal(r.status, 200, body);
  return JSON.parse(body);
}
async function refused(s, bytes, status, message, code = 'invalid_audio') {
  const r = await ask(s, bytes);
  const { error } = await r.json();
  assert.equal(r.status, status, error.message);
  assert.match(error.message, message);
  assert.doesNotMatch(error.message, /stdin|pipe:|0x|stream map|trailing|option|Invalid|Error/);
  assert.equal(error.code, code);
  return r;
}

const descriptors = (s) => fs.readdirSync(`/proc/${s.child.pid}/fd`).length;
function commandLine(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return 'stenopool-host'; // it has ended, as instances do
  }
}
const decoders = (s) => s.processes().filter((pid) => !/stenopool-host/.test(commandLine(pid)));
// Of which one is still the server's fork, or the helper that confines it and becomes it.
const become = (s) => decoders(s).filter((pid) => /^\S*ffmpeg\0/.test(commandLine(pid)));
// The server does what it did before, and has what it had before.
async function goesOn(s, before) {
  await s.untilMetric('decoders', 0);
  await s.until(() => decoders(s).length === 0, 'no decoder is left');
  assert.notEqual((await hear(s, wav(babble(600)))).text, '');
  await s.until(() => descriptors(s) <= before, 'its descriptors are back');
}
async function undisturbed(s, body) {
  await hear(s, wav(babble(600)));
  await ask(s, Buffer.from('fLaC')).then((r) => r.text()); // the loop keeps two descriptors from the first process on
  await s.untilMetric('decoders', 0);
  await s.until(() => decoders(s).length === 0, 'no decoder is left');
  const before = descriptors(s);
  await body();
  await goesOn(s, before);
}

const kinds = {
  'a.flac': [], 'a.mp3': ['-b:a', '64k'], 'a.ogg': ['-c:a', 'libvorbis'], 'a.opus': ['-c:a', 'libopus'], 'a.webm': ['-c:a', 'libopus'],
  'a.m4a': ['-c:a', 'aac'], 'fast.m4a': ['-c:a', 'aac', '-movflags', '+faststart'], 'a.mp4': ['-c:a', 'aac'], 'a.aac': ['-c:a', 'aac'],
  'a.aiff': [], 'a.caf': [], 'adpcm.wav': ['-c:a', 'adpcm_ms'], 'many.wav': ['-ac', '6', '-ar', '96000'], 'a.w64': [],
};

describe('ffmpeg', { skip: noFfmpeg }, () => {
  describe('real speech', () => {
    let server, known;
    before(async () => {
      known = clip('goforward');
      server = await Server.start(set({ 'pool.en.max': 2 }));
    });
    after(() => server.stop());

    test('every kind of file gives the words that WAV gives', async () => {
      const { text } = await hear(server, wav(known.samples));
      assertSaid(text, known.words);
      for (const [name, args] of Object.entries(kinds)) {
        assertSaid((await hear(server, await make(name, known.samples, ...args))).text, text, name);
      }
      assert.equal((await server.metrics()).decoders_started_total, Object.keys(kinds).length - 1); // many.wav is read here
      assert.equal((await server.metrics()).decoders_failed_total, 0);
    });

    test('a video is heard', async () => {
      const video = await make('video.mp4', ['-f', 'lavfi', '-i', 'color=s=64x64:d=3', '-i', known.file], '-shortest');
      assertSaid((await hear(server, video)).text, known.words);
    });
  });

  describe('the fake engine', () => {
    let s, flac;
    const sound = join(babble(1500), silence(1500), babble(1500, 2), silence(500));
    before(async () => {
      flac = await make('b.flac', sound);
      s = await Server.start(fake({ 'server.decoder_max_audio_s': 60, 'server.session_buffer_ms': 2000 }));
    });
    after(() => s.stop());

    test('what is decoded is sample by sample what was encoded', async () => {
      const fields = { response_format: 'verbose_json' };
      assert.deepEqual(await hear(s, flac, fields), await hear(s, wav(sound), fields));
    });

    test('a recording that is longer than a session keeps is heard to its end', async () => {
      const long = join(...Array.from({ length: 10 }, (_, i) => join(babble(1500, i), silence(1500))));
      const r = await hear(s, await make('long.flac', long), { response_format: 'verbose_json' });
      assert.equal(r.segments.length, 10);
    });

    test('a cut file is heard as far as it goes, or refused with a sentence', () => undisturbed(s, async () => {
      assert.notEqual((await hear(s, flac.subarray(0, flac.length >> 1))).text, '');
      const m4a = await make('cut.m4a', sound);
      await refused(s, m4a.subarray(0, m4a.length >> 1), 400, /^not audio: the MP4 file cannot be decoded; it was cut or its recording was never finished/);
      for (const n of [4, 20, 60]) await refused(s, flac.subarray(0, n), 400, /^not audio: the FLAC file cannot be decoded/);
    }));

    test('what begins like a file and is none is refused with a sentence', () => undisturbed(s, async () => {
      const noise = Buffer.from(babble(4000).buffer);
      for (const [head, name] of [['\xff\xfb\x90\x64', 'MP3'], ['OggS', 'Ogg'], ['\x1a\x45\xdf\xa3', 'WebM'], ['\0\0\0\x1cftypM4A ', 'MP4'], ['caff', 'CAF']]) {
        await refused(s, Buffer.concat([Buffer.from(head, 'latin1'), noise]), 400, new RegExp(`^not audio: the ${name} file cannot be decoded`));
      }
      await refused(s, Buffer.concat([Buffer.from('ID3'), noise]), 400, /^not audio: it is none of WAV/);
    }));

    test('what no file begins like is refused without asking anybody', async () => {
      const { decoders_started_total } = await s.metrics();
      for (const bytes of ['#EXTM3U\nhttp://127.0.0.1/x\n', 'ffconcat version 1.0\nfile /etc/passwd\n', '<html>', 'hello']) {
        await refused(s, bytes, 400, /^not audio: it is none of WAV, FLAC, Ogg, MP3/);
      }
      assert.equal((await s.metrics()).decoders_started_total, decoders_started_total);
    });

    test('junk-before-sync: what ffmpeg finds behind junk and tags is heard, by REST and live', async () => {
      const [mp3, aac, whole] = [await make('j.mp3', sound), await make('j.aac', sound), await make('j.flac', sound)];
      const id3 = Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\0\x0a', 'latin1'), Buffer.alloc(10)]);
      const { text } = await hear(s, wav(sound));
      for (const [name, bytes] of Object.entries({
        'zeros before MP3': Buffer.concat([Buffer.alloc(731), mp3]), 'MP3 from the middle of a frame': mp3.subarray(200), 'ADTS from the middle of a frame': aac.subarray(100),
        'zeros before ADTS': Buffer.concat([Buffer.alloc(500), aac]), 'a tag before ADTS': Buffer.concat([id3, aac]), 'a tag before FLAC': Buffer.concat([id3, whole]),
        'a tag before WAV': Buffer.concat([id3, wav(sound)]), 'FLAC without its head': whole.subarray(whole.indexOf(Buffer.from([0xff, 0xf8]))),
      })) {
        const heard = (await hear(s, bytes)).text.split(' ').length;
        assert.ok(Math.abs(heard - text.split(' ').length) <= 2, `${name}: ${heard} words`);
      }
    });

    test('junk-before-sync: what is no audio behind the same beginnings is refused, and nothing but the file is opened', () => undisturbed(s, async () => {
      for (const bytes of [Buffer.alloc(5000), Buffer.from('\x89PNG\r\n\x1a\n' + '\0'.repeat(200), 'latin1'), Buffer.from('%PDF-1.4\n\x80\x81' + '\0'.repeat(200), 'latin1'),
        Buffer.concat([Buffer.from([0]), Buffer.from('\n#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n')]),
        Buffer.from('\ufeffhello, this is text', 'utf16le')]) {
        await refused(s, bytes, 400, /^not audio: it is none of WAV, FLAC, Ogg, MP3/);
      }
    }));

    test('media-time: times are those of the file\'s own clock, where it has holes and where its track begins late', async () => {
      const gap = (at) => ['-af', `asetpts='if(gte(T,${at}),PTS+20/TB,PTS)'`];
      const first = join(babble(1500), silence(1500));
      const starts = async (bytes) => (await hear(s, bytes, { response_format: 'verbose_json' })).segments.map((r) => r.start);
      const plain = await starts(wav(join(first, babble(1500, 2))));
      for (const [name, ...args] of [['gap.webm', '-c:a', 'libopus'], ['gap.mp4', '-c:a', 'aac'], ['gap.mkv', '-c:a', 'libvorbis'], ['gap.ogg', '-c:a', 'libopus'],
        ['gapfast.mp4', '-c:a', 'aac', '-movflags', '+frag_keyframe+empty_moov']]) {
        const heard = await starts(await make(name, join(first, babble(1500, 2)), ...gap(3), ...args));
        assert.equal(heard.length, 2, name);
        assert.ok(Math.abs(heard[0] - plain[0]) < 0.5, `${name}: ${heard}`);
        assert.ok(Math.abs(heard[1] - plain[1] - 20) < 0.5, `${name}: ${heard} and ${plain}`);
      }
      fs.writeFileSync(path.join(dir, 'late.wav'), wav(babble(1500)));
      for (const [name, ...args] of [['late.mp4', '-c:v', 'mpeg4', '-c:a', 'aac'], ['late.webm', '-c:v', 'libvpx', '-c:a', 'libopus']]) {
        const late = await make(name, ['-f', 'lavfi', '-i', 'color=s=64x64:d=12:r=5', '-itsoffset', '8', '-i', path.join(dir, 'late.wav'), '-map', '0:v', '-map', '1:a'], ...args);
        const [start] = await starts(late);
        assert.ok(Math.abs(start - 8) < 0.5, `${name}: ${start}`);
      }
    });

    test('media-time: a hole that is longer than a file may be is refused with the setting', () => undisturbed(s, async () => {
      const far = await make('far.webm', join(babble(500), babble(500)), '-af', "asetpts='if(gte(T,0.5),PTS+3000/TB,PTS)'", '-c:a', 'libopus');
      await refused(s, far, 400, /has more audio than decoder_max_audio_s 60$/);
    }));

    test('wav-slices: two recordings in one file of any kind are both heard', async () => {
      const one = join(babble(1500), silence(1500));
      const { text } = await hear(s, wav(one));
      for (const [name, ...args] of [['t.m4a', '-c:a', 'aac'], ['frag.m4a', '-c:a', 'aac', '-movflags', '+frag_keyframe+empty_moov'], ['t.webm', '-c:a', 'libopus'],
        ['live.webm', '-c:a', 'libopus', '-live', '1'], ['t.ogg', '-c:a', 'libopus'], ['t.flac'], ['t.mp3'], ['t.aac'], ['t.w64'], ['t.caf'], ['t.aiff']]) {
        const file = await make(name, one, ...args);
        const r = await hear(s, Buffer.concat([file, file]), { response_format: 'verbose_json' });
        assert.equal(r.segments.length, 2, name);
        assert.ok(Math.abs(r.text.split(' ').length - 2 * text.split(' ').length) <= 2, `${name}: ${r.text}`);
        assert.ok(Math.abs(r.duration - 6) < 0.3, `${name}: ${r.duration}`);
      }
      const mixed = Buffer.concat([await make('m.webm', one, '-c:a', 'libopus'), await make('m.m4a', one, '-c:a', 'aac'), await make('m.ogg', one, '-c:a', 'libvorbis')]);
      assert.equal((await hear(s, mixed, { response_format: 'verbose_json' })).segments.length, 3);
    });

    test('video-without-sound: what is wrong with a file is said in words of our own', () => undisturbed(s, async () => {
      const mute = (name, ...args) => make(name, ['-f', 'lavfi', '-i', 'testsrc2=s=64x64:d=1'], ...args);
      await refused(s, await mute('mute.mp4', '-c:v', 'mpeg4'), 400, /^not audio: the MP4 file has no audio track$/);
      await refused(s, await mute('mute.webm', '-c:v', 'libvpx'), 400, /^not audio: the WebM file has no audio track$/);
      const webm = await make('u.webm', sound, '-c:a', 'libopus');
      const unknown = Buffer.from(webm);
      unknown.write('A_XYZW', unknown.indexOf('A_OPUS'));
      await refused(s, unknown, 400, /^not audio: the WebM file has its audio in an encoding that is not known here$/);
      await refused(s, webm.subarray(0, 60), 400, /^not audio: the WebM file cannot be decoded; it ends before its audio begins$/);
      const secret = ['-encryption_scheme', 'cenc-aes-ctr', '-encryption_key', '76a6c65c5ea762046bd749a2e632ccbb', '-encryption_kid', 'a7e61c373e219033c21091fa607bf3b8'];
      await refused(s, await make('secret.mp4', sound, '-c:a', 'aac', ...secret), 400, /^not audio: the MP4 file cannot be decoded; it is damaged, cut short or encrypted$/);
      await refused(s, Buffer.alloc(0), 400, /it is empty/);
    }));

    for (const [name, seconds, ...args] of [['bomb.flac', 3600], ['bomb.opus', 90, '-c:a', 'libopus', '-b:a', '6k'], ['bomb.mp3', 600, '-b:a', '8k']]) {
      test(`more silence than may be, in little room, is refused: ${name}`, () => undisturbed(s, async () => {
        const bomb = await make(name, ['-f', 'lavfi', '-i', 'anullsrc=r=16000:cl=mono', '-t', String(seconds)], ...args);
        await refused(s, bomb, 400, /has more audio than decoder_max_audio_s 60$/);
      }));
    }

    test('silence is no mistake', async () => {
      assert.equal((await hear(s, await make('silence.webm', silence(1000), '-c:a', 'libopus'))).text, '');
    });

    test('a client that leaves takes its decoder along', () => undisturbed(s, async () => {
      const never = { 'pool.en.param.slow': 100, 'pool.en.warmup': '', 'pool.en.begin_timeout_ms': 600000 }; // it is not answered before it leaves
      await withServer(fake({ 'pool.en.max': 1, 'server.session_buffer_ms': 1000, ...never }), async (slow) => {
        const long = await make('slow.flac', join(...Array.from({ length: 10 }, (_, i) => babble(4000, i))));
        const client = await postAndLeave(`http://${slow.address}/v1/audio/transcriptions`, form(long));
        await slow.untilMetric('sessions', 1);
        await slow.untilMetric('decoders', 1); // held back
        await client.leave();
        await slow.untilMetric('decoders', 0);
        await slow.until(() => decoders(slow).length === 0, 'no decoder is left');
      });
    }));

    test('a decoder that is killed fails its file alone', () => undisturbed(s, async () => {
      await withServer(fake({ 'pool.en.param.slow': 0.5, 'server.session_buffer_ms': 1000 }), async (slow) => {
        const long = await make('killed.flac', join(...Array.from({ length: 10 }, (_, i) => babble(4000, i))));
        const asked = ask(slow, long);
        await slow.until(async () => (await slow.metrics()).sessions === 1 && decoders(slow).length === 1, 'it is being heard');
        const neighbour = hear(slow, wav(babble(600)));
        process.kill(decoders(slow)[0], 'SIGKILL');
        const r = await asked;
        assert.equal(r.status, 400);
        assert.match((await r.json()).error.message, /the decoder of the FLAC file was killed by signal 9/);
        assert.notEqual((await neighbour).text, '');
      });
    }));

    test('a decoder is confined: a filter, no new rights, no other descriptors, another user', { skip: isRoot ? false : 'not root' }, async () => {
      await withServer(fake({ 'pool.en.param.slow': 0.5, 'server.session_buffer_ms': 1000 }), async (slow) => {
        const asked = ask(slow, await make('confined.flac', join(...Array.from({ length: 4 }, (_, i) => babble(4000, i)))));
        asked.catch(() => {}); // what failed below is told, and not that the server is gone then
        const [pid] = await slow.until(async () => {
          const found = become(slow);
          return (await slow.metrics()).sessions === 1 && found.length === 1 && found;
        }, 'it is being heard');
        const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
        for (const line of [/^Seccomp:\s+2$/m, /^NoNewPrivs:\s+1$/m, /^CapEff:\s+0+$/m, /^Uid:\s+[1-9]\d*\s+[1-9]\d*\s/m]) assert.match(status, line);
        const what = new Map(fs.readdirSync(`/proc/${pid}/fd`).map((fd) => [fd, fs.readlinkSync(`/proc/${pid}/fd/${fd}`)]));
        what.delete('100');
        const standard = ['0', '1', '2'].map((fd) => what.get(fd)); // newer ones duplicate them
        for (const [fd, file] of what) assert.ok(standard.includes(file), `${fd} is ${file}, beside ${standard}`);
        assert.equal(fs.readFileSync(`/proc/${pid}/environ`, 'utf8'), '');
        assert.equal(fs.readlinkSync(`/proc/${pid}/cwd`), '/');
        assert.equal((await asked).status, 200);
      });
    });

    test('when its server is killed a decoder goes too', async () => {
      const lone = await Server.start(fake({ 'pool.en.param.slow': 0.5, 'server.session_buffer_ms': 1000 }));
      const asked = ask(lone, await make('lone.flac', join(...Array.from({ length: 10 }, (_, i) => babble(4000, i))))).catch(() => {});
      await lone.until(() => decoders(lone).length === 1, 'it is there');
      const [pid] = decoders(lone);
      lone.abandon();
      await asked;
      await s.until(() => !alive(pid), 'it has gone');
    });

    test('a server that drains answers who is being heard', async () => {
      const leaver = await Server.start(fake({ 'pool.en.param.end_ms': 600 }));
      const asked = ask(leaver, await make('drain.flac', babble(800)));
      await leaver.until(async () => (await leaver.status()).sessions.length === 1, 'it is being heard');
      terminate(leaver);
      assert.notEqual((await (await asked).json()).text, '');
      await leftWell(leaver);
      await leaver.stop({ sums: false });
    });

    test('one file more than decoder_max is 429 with Retry-After', async () => {
      await withServer(fake({ 'server.decoder_max': 1, 'pool.en.param.slow': 0.5, 'server.session_buffer_ms': 1000 }), async (slow) => {
        const asked = ask(slow, await make('first.flac', join(...Array.from({ length: 4 }, (_, i) => babble(4000, i)))));
        await slow.untilMetric('decoders', 1);
        const r = await refused(slow, flac, 429, /\(decoder_max 1\)$/, 'busy');
        assert.ok(Number(r.headers.get('retry-after')) >= 1);
        assert.equal((await asked).status, 200);
      });
    });
  });
});

// ---- what is not ffmpeg ----

const decoderAs = (mode, more = {}) => {
  const link = path.join(dir, `as-${mode}`);
  if (!fs.existsSync(link)) fs.symlinkSync(path.join(build, 'tests/decoder/decoder_fake'), link);
  return fake({ 'server.decoder': link, ...more });
};
const some = Buffer.concat([Buffer.from('fLaC'), Buffer.alloc(3000000)]);

for (const [mode, status, message, code, more] of [
  ['hangs', 503, /^the decoder of the FLAC file made no progress for decoder_timeout_ms 300$/, 'timeout', { 'server.decoder_timeout_ms': 300 }],
  ['crashes', 400, /was killed by signal 11/],
  ['fails', 400, /cannot be decoded \(status 3\)$/],
  ['talks', 400, /cannot be decoded; it is damaged, cut short or encrypted$/],
  ['leaps', 400, /has more audio than decoder_max_audio_s 100$/, undefined, { 'server.decoder_max_audio_s': 100 }],
  ['babbles', 400, /what the decoder made of the FLAC file is none$/],
  ['floods', 400, /has more audio than decoder_max_audio_s 100$/, undefined, { 'server.decoder_max_audio_s': 100 }],
  ['eats', 400, /more memory than decoder_max_memory_mb 300$/, undefined, { 'server.decoder_max_memory_mb': 300 }],
  ['tries', 400, /cannot be decoded \(status 7\)$/],
]) {
  test(`a decoder that ${mode} fails its file with a sentence, and the server goes on`, async () => {
    await withServer(decoderAs(mode, more), (s) => undisturbed(s, () => refused(s, some, status, message, code)));
  });
}

test('a decoder that not even SIGKILL can end gives its place back, and does not keep the server', async (t) => {
  await withServer(decoderAs('hangs', { 'server.decoder_timeout_ms': 3000, 'server.decoder_max': 1 }), async (s) => {
    const asked = refused(s, some, 503, /decoder_timeout_ms 3000$/, 'timeout');
    const tracer = await trace(await s.until(() => decoders(s)[0], 'there is a decoder'));
    try {
      await asked;
      if (tracer === null) {
        t.skip('a process may not be traced here');
        return;
      }
      await s.says(/decoder: process \d+ has not ended within decoder_timeout_ms 3000 after it was killed, going on without it/);
      await s.untilMetric('decoders', 0);
      await refused(s, some, 503, /decoder_timeout_ms 3000$/, 'timeout'); // it had the place
      s.child.kill('SIGTERM');
      assert.deepEqual(await deadline(s.left, () => `the server to leave: ${s.log}`), { code: 0, signal: null });
    } finally {
      tracer?.kill('SIGKILL');
    }
  }, { sums: false, env: leavesBehind });
});

test('without ffmpeg the sentence says so, and WAV is heard', async () => {
  await withServer(fake({ 'server.decoder': 'no-such-ffmpeg' }), (s) => undisturbed(s, () =>
    refused(s, some, 400, /^FLAC files need ffmpeg, which is not installed \(setting decoder\); send WAV or install ffmpeg$/)));
});

test('a decoder that is named while the server runs is used from then on', { skip: noFfmpeg }, async () => {
  const config = path.join(dir, 'stenopool.conf');
  const write = (decoder) => fs.writeFileSync(config, `[server]\ndecoder = ${decoder}\n[vad]\nvad = statistical\n[pool en]\nengine = fake\n`);
  write('no-such-ffmpeg');
  await withServer(['--config', config], async (s) => {
    const flac = await make('reload.flac', babble(800));
    await refused(s, flac, 400, /not installed/);
    write('ffmpeg');
    s.child.kill('SIGHUP');
    await s.untilMetric('config_reloads_total', 1);
    assert.notEqual((await hear(s, flac)).text, '');
  });
});
