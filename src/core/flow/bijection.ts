// What every part of the flow is: an invertible map that knows its log-determinant and how a gradient of the log
// density goes back through it.

interface Forward<T> {
  /** The image of x. */
  readonly z: T;
  /** ln |det dz/dx| per picture: a scalar, [] where it is the same for every picture, else [B]. */
  readonly logDet: T;
  /**
   * From dL/dz to dL/dx, for L = (what comes after) + logDet: the log-determinant's own gradient is included.
   * Needs no inverse.
   */
  pullback(dz: T): T;
}

export interface Bijection<T> {
  /** @param condition the noise level's embedding [B, E]; left out for an unconditioned prior */
  forward(x: T, condition?: T): Forward<T>;
  /** The x whose image is z. For sampling and for tests: estimates never need it. */
  inverse(z: T, condition?: T): T;
}
