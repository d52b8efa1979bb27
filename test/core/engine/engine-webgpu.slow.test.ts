import { testEngine } from './engine-agreement.js';

await testEngine('webgpu');
