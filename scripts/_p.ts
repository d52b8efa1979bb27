import * as ort from 'onnxruntime-node';
import { loadPrior } from '#src/core/model/load-prior.js';
import { recordDensityAndScore } from '#src/core/engine/record.js';
const prior = await loadPrior(process.argv[2] ?? 'models/natural');
const T = Number(process.argv[3] ?? 256), threads = Number(process.argv[4] ?? 1);
const H=T,W=T;
let t0=performance.now();
const bytes = recordDensityAndScore(prior, {batch:1,channels:3,height:H,width:W}, process.env.SIG ? 0.1 : undefined);
console.log('record ms', performance.now()-t0, bytes.length); t0=performance.now();
const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: process.env.LEVEL ?? 'all', enableCpuMemArena: !process.env.NOARENA, enableMemPattern: !process.env.NOPAT, enableProfiling: !!process.env.PROF, profileFilePrefix: '/tmp/ortprof', ...(process.env.OPT?{optimizedModelFilePath:'/tmp/opt.onnx'}:{}) } as any);
console.log('create ms', performance.now()-t0);
const y = new Float32Array(3*H*W).map(()=>Math.random());
const feeds: any = { y: new ort.Tensor('float32', y, [1,3,H,W]), sigma: new ort.Tensor('float32', Float32Array.of(0.1), [1,1]) };
if (process.env.SIG) delete feeds.sigma;
const ts=[];
for (let i=0;i<8;i++){ const t=performance.now(); await session.run(feeds, process.env.SHRINK && i < Number(process.env.SHRINK) ? { extra: { memory: { enable_memory_arena_shrinkage: 'cpu:0' } } } as any : {}); ts.push(performance.now()-t); }
console.log('run ms', ts.map(t=>t.toFixed(0)).join(' '), 's/MP', (Math.min(...ts)/1000/(H*W/1e6)).toFixed(2), 'rss MB', process.memoryUsage().rss/1e6|0);
if (process.env.PROF) { (session as any).endProfiling(); }
