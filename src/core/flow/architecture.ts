// The shape of a flow, as model.json gives it, and the parameters that follow from it.

export interface Level {
  /** Steps of actnorm, 1x1 convolution and coupling; 0 for a level that only squeezes (and does not split). */
  readonly steps: number;
  /** Hidden channels of the coupling nets. */
  readonly width: number;
  /** Size of the coupling nets' middle convolution. */
  readonly kernel: 1 | 3;
  /** Hidden channels of the split's net, for every level that has steps and is not the last. */
  readonly splitWidth?: number | undefined;
}

export interface Architecture {
  readonly channels: number;
  readonly levels: readonly Level[];
  /** Bounds the coupling's log-scale: scaleCap tanh(p / scaleCap). */
  readonly scaleCap: number;
  /** 'sigmoid', as in Glow's code, replaces that by ln sigmoid(p + 2). */
  readonly couplingScale?: 'tanh' | 'sigmoid' | undefined;
  /** In the nets of couplings and splits; default SiLU. The paper's Glow uses ReLU. */
  readonly activation?: 'silu' | 'relu' | undefined;
  /** The embedding of the noise level; null for a prior of clean pictures, such as the paper's. */
  readonly conditioning: { readonly kind: 'log-sigma'; readonly features: number } | null;
}

/** A picture's sides must be multiples of this. */
export function squeezeFactor({ levels }: Pick<Architecture, 'levels'>): number {
  return 2 ** levels.length;
}

/** Every level with its channels after the squeeze, and whether it splits. */
export function levelPlans({ channels, levels }: Architecture) {
  let next = channels;
  return levels.map((level, index) => {
    const squeezed = 4 * next;
    const splits = level.steps > 0 && index < levels.length - 1;
    next = splits ? squeezed / 2 : squeezed;
    return { level, channels: squeezed, splits };
  });
}

type Shapes = Record<string, readonly number[]>;

function netShapes(prefix: string, inputs: number, width: number, kernel: number, features: number): Shapes {
  return {
    [`${prefix}.conv1.weight`]: [width, inputs, 3, 3],
    [`${prefix}.conv1.bias`]: [width],
    [`${prefix}.conv2.weight`]: [width, width, kernel, kernel],
    [`${prefix}.conv2.bias`]: [width],
    [`${prefix}.conv3.weight`]: [2 * inputs, width, 3, 3],
    [`${prefix}.conv3.bias`]: [2 * inputs],
    ...(features > 0 && {
      [`${prefix}.condition.weight`]: [2 * width, features],
      [`${prefix}.condition.bias`]: [2 * width],
    }),
  };
}

/** How many numbers a flow's parameters hold. */
export function parameterCount(architecture: Architecture): number {
  const shapes = Object.values(parameterShapes(architecture));
  return shapes.reduce((sum, shape) => sum + shape.reduce((n, side) => n * side, 1), 0);
}

export function parameterShapes(architecture: Architecture): Readonly<Shapes> {
  const features = architecture.conditioning?.features ?? 0;
  const shapes: Shapes = {};
  if (features > 0)
    Object.assign(shapes, {
      'condition.0.weight': [features, 2],
      'condition.0.bias': [features],
      'condition.1.weight': [features, features],
      'condition.1.bias': [features],
    });
  const plans = levelPlans(architecture);
  for (const [i, { level, channels, splits }] of plans.entries()) {
    for (let k = 0; k < level.steps; k++) {
      const step = `levels.${i}.steps.${k}`;
      shapes[`${step}.actnorm.bias`] = [channels];
      shapes[`${step}.actnorm.logScale`] = [channels];
      shapes[`${step}.conv1x1.weight`] = [channels, channels];
      Object.assign(shapes, netShapes(`${step}.coupling`, channels / 2, level.width, level.kernel, features));
    }
    if (splits)
      Object.assign(shapes, netShapes(`levels.${i}.split`, channels / 2, level.splitWidth ?? 0, 1, features));
  }
  const top = plans.at(-1)?.channels ?? 0;
  shapes['top.bias'] = [2 * top];
  if (features > 0) shapes['top.condition.weight'] = [2 * top, features];
  return shapes;
}
