using TorchZoo.Kernels;
using TorchZoo.Numerics;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Neurons;

/// <summary>The functions that the table's rows are written with. A number that is one for all may be a <see cref="double"/>.</summary>
internal static class ActivationMath
{
    public const double Pi = Math.PI;

    /// <summary>ln 2</summary>
    public const double Ln2 = 0.69314718055994530942;

    // e^80 and its products with numbers of some thousand are finite in float32.
    private const double LargestExponent = 80;

    // Up to here a series of a few terms is exact in float64.
    private const double Near = 1e-2;

    public static Tensor Abs(Tensor x) => x.abs();

    public static Tensor Sign(Tensor x) => x.sign();

    public static Tensor Square(Tensor x) => x.square();

    public static Tensor Sqrt(Tensor x) => x.sqrt();

    public static Tensor Exp(Tensor x) => x.exp();

    public static Tensor Expm1(Tensor x) => x.expm1();

    public static Tensor Log(Tensor x) => x.log();

    public static Tensor Log1p(Tensor x) => x.log1p();

    public static Tensor Sin(Tensor x) => x.sin();

    public static Tensor Cos(Tensor x) => x.cos();

    public static Tensor Atan(Tensor x) => x.atan();

    public static Tensor Sinh(Tensor x) => x.sinh();

    public static Tensor Asinh(Tensor x) => x.asinh();

    public static Tensor Tanh(Tensor x) => x.tanh();

    public static Tensor Erf(Tensor x) => x.erf();

    public static Tensor Gamma(Tensor x) => x.lgamma().exp();

    public static Tensor Sigmoid(Tensor x) => x.sigmoid();

    public static Tensor Relu(Tensor x) => x.relu();

    public static Tensor Elu(Tensor x) => functional.elu(x, 1.0);

    public static Tensor Silu(Tensor x) => functional.silu(x);

    public static Tensor Gelu(Tensor x) => functional.gelu(x);

    public static Tensor Mish(Tensor x) => functional.mish(x);

    /// <summary>x σ(s x), x of any shape and s one number, or one a channel; in one pass, as the next two.</summary>
    public static Tensor Swish(Tensor x, Tensor s) => SelfGate.Apply(GateFunction.Logistic, x, s);

    /// <summary>x Φ(s x)</summary>
    public static Tensor Gelu(Tensor x, Tensor s) => SelfGate.Apply(GateFunction.Normal, x, s);

    /// <summary>x tanh(softplus(s x))</summary>
    public static Tensor Mish(Tensor x, Tensor s) => SelfGate.Apply(GateFunction.Mish, x, s);

    public static Tensor Softsign(Tensor x) => x / (1 + x.abs());

    public static Tensor Softplus(Tensor x) => functional.softplus(x);

    /// <summary>max(x, 0), with the slope 1 at 0: for what is computed on the upper side only.</summary>
    public static Tensor Above(Tensor x) => x.clamp_min(0);

    /// <summary>min(x, 0), with the slope 1 at 0: for what is computed on the lower side only. Where the other branch is taken a function
    /// of this neither overflows nor gives a NaN to the gradient.</summary>
    public static Tensor Below(Tensor x) => x.clamp_max(0);

    public static Tensor Where(Tensor condition, Tensor a, Tensor b) => where(condition, a, b);

    public static Tensor Max(Tensor a, Tensor b) => maximum(a, b);

    public static Tensor Min(Tensor a, Tensor b) => minimum(a, b);

    public static Tensor Clip(Tensor x, Tensor low, Tensor high) => minimum(maximum(x, low), high);

    public static Tensor Clip(Tensor x, double low, double high) => x.clamp(low, high);

    /// <summary>share · a + (1 − share) · b</summary>
    public static Tensor Mix(Tensor share, Tensor a, Tensor b) => share * a + (1 - share) * b;

    /// <summary>1 from 0 on, 0 below, with the slope 0.</summary>
    public static Tensor Step(Tensor x) => where(x >= 0, 1, x.sign() + 1);

    /// <summary>eˣ, at most e⁸⁰: what multiplies or divides it stays finite, and so do gradients.</summary>
    public static Tensor BoundedExp(Tensor x) => x.clamp_max(LargestExponent).exp();

    /// <summary>ln x; of numbers that are almost 0 or negative, that of 10⁻³⁰.</summary>
    public static Tensor LogOf(Tensor x) => x.clamp_min(1e-30).log();

    /// <summary>ln(d + eˣ), d ≥ 0</summary>
    public static Tensor LogPlusExp(Tensor d, Tensor x) => where(x >= 0, x + (d * (-Above(x)).exp()).log1p(), (d + Below(x).exp()).log());

    /// <summary>1 / cosh x</summary>
    public static Tensor Sech(Tensor x)
    {
        var e = (-x.abs()).exp();
        return 2 * e / (1 + e * e);
    }

    /// <summary>The normal distribution function.</summary>
    public static Tensor Phi(Tensor x) => 0.5 * (x * -Math.Sqrt(0.5)).erfc();

    /// <summary>The normal density.</summary>
    public static Tensor Density(Tensor x) => (x.square() * -0.5).exp() / Math.Sqrt(2 * Pi);

    /// <summary>e^(−u²)</summary>
    public static Tensor Bell(Tensor u) => (-u.square()).exp();

    /// <summary>sin(x) / x, and 1 at 0.</summary>
    public static Tensor Sinc(Tensor x)
    {
        var near = x.abs() < Near;
        var s = x.square();
        return where(near, 1 - s / 6 * (1 - s / 20 * (1 - s / 42)), x.sin() / where(near, 1, x));
    }

    /// <summary>uⁿ</summary>
    public static Tensor Pow(Tensor u, int n) => u.pow(n);

    /// <summary>uᵉ of numbers that aren't negative. 0 at 0, with the slope 0 where that would be infinite.</summary>
    public static Tensor Pow(Tensor u, Tensor e)
    {
        var inside = (u > 0) | (e >= 1);
        return where(inside, where(inside, u, 1).pow(e), 0);
    }

    /// <summary>uᵉ, e a whole number as far as u is negative: in between, that of |u| with the sign of the nearest. So there is a
    /// derivative by e.</summary>
    public static Tensor RealPow(Tensor u, Tensor e)
    {
        var isOdd = e.detach().round().remainder(2) == 1;
        return Pow(where(u >= 0, u, -u), e) * where((u < 0) & isOdd, -1, 1);
    }

    /// <summary>√|u|, with the slope 0 at 0.</summary>
    public static Tensor RootOfAbs(Tensor u) => where(u == 0, 0, where(u == 0, 1, u).abs().sqrt());

    /// <summary>u / √(1 + u²)</summary>
    public static Tensor OverRoot(Tensor u) => u / (1 + u.square()).sqrt();

    /// <summary>√(u² + eps): |u| without its kink.</summary>
    public static Tensor SmoothAbs(Tensor u, Tensor eps) => RootOfAbs(u.square() + eps);

    /// <summary>(u + √(u² + eps)) / 2: ReLU without its kink.</summary>
    public static Tensor SquarePlus(Tensor u, Tensor eps) => (u + SmoothAbs(u, eps)) / 2;

    /// <summary>c₀ + c₁ x + c₂ x² + …</summary>
    public static Tensor Polynomial(Tensor x, params ReadOnlySpan<Tensor> c)
    {
        var sum = c[^1];
        for (var k = c.Length - 2; k >= 0; k--) sum = sum * x + c[k];
        return sum;
    }

    /// <summary>SPLASH's hinges on one side: slopes that begin at 0, 1, 2 and 2.5.</summary>
    public static Tensor Hinges(Tensor x, Tensor a, Tensor b, Tensor c, Tensor d) =>
        a * x.relu() + b * (x - 1).relu() + c * (x - 2).relu() + d * (x - 2.5).relu();

    /// <summary>|x| with a parabola within a of 0.</summary>
    public static Tensor BiFire(Tensor x, Tensor a) => where(x.abs() > a, x.abs() - a / 2, x.square() / (2 * a));

    /// <summary>The second derivative of a Gaussian, negative, of norm 1.</summary>
    public static Tensor MexicanHat(Tensor u) => 2 / Math.Sqrt(3) * Math.Pow(Pi, -0.25) * (1 - u.square()) * (u.square() * -0.5).exp();

    /// <summary>t³ (t⁵ − 2t⁴ + 2)</summary>
    public static Tensor SpocuRise(Tensor t) => t.pow(3) * (t.pow(5) - 2 * t.pow(4) + 2);

    /// <summary>A logistic map and a circle map added.</summary>
    public static Tensor CircleMap(Tensor x, Tensor r, Tensor a, Tensor b) =>
        r * x * (1 - x) + x + a - b / (2 * Pi) * (2 * Pi * x).sin();

    /// <summary>ln(cosh x + x cosh(x/2)), x ≥ 0</summary>
    public static Tensor LogOfHcLshRise(Tensor x) =>
        x + ((1 + (-2 * x).exp()) / 2 + x * ((x * -0.5).exp() + (x * -1.5).exp()) / 2).log();

    /// <summary>(1 + t x)^(1/t), 0 where that is of a negative number; eˣ at t = 0.</summary>
    public static Tensor DeformedExp(Tensor x, Tensor t)
    {
        var inside = t * x > -1;
        return where(inside, (x * Log1pOver(where(inside, t * x, 0))).exp(), 0);
    }

    /// <summary>Soft exponential: between a logarithm (a = −1), the identity (0) and the exponential function (1). Left of the logarithm's
    /// domain it is constant.</summary>
    public static Tensor SoftExponential(Tensor x, Tensor a)
    {
        var shifted = x + a;
        var rise = x * Expm1Over((a.clamp_min(0) * x).clamp_max(LargestExponent)) + a;
        var log = shifted * Log1pOver((-a.clamp_max(0) * shifted).clamp_min(-1 + 1e-12));
        return where(a < 0, log, rise);
    }

    /// <summary>A fractional derivative of swish of the order a in [0, 2], between that of the next lower and higher whole ones.</summary>
    public static Tensor FractionalSwish(Tensor x, Tensor a, Tensor b)
    {
        var s = (b * x).sigmoid();
        var g = x * s;
        var h = g + s * (1 - g);
        return where(a <= 1, g + a * s * (1 - g), h + (a - 1) * s * (1 - 2 * h));
    }

    /// <summary>(φ(α) − φ(β)) / (Φ(β) − Φ(α)), α &lt; β: the mean of a standard normal number between α and β. Both differences are 0 far
    /// from 0, so it is taken on the upper side, divided by e^(−α²/2).</summary>
    public static Tensor TruncatedMean(Tensor alpha, Tensor beta)
    {
        var (type, a, b) = (alpha.dtype, alpha.to(ScalarType.Float64), beta.to(ScalarType.Float64));
        var isUpper = a + b >= 0;
        var (low, high) = (where(isUpper, a, -b), where(isUpper, b, -a));
        var exponent = (low - high) * (low + high) / 2;
        var mass = ErrorFunctions.Erfcx(low / Math.Sqrt(2)) - exponent.exp() * ErrorFunctions.Erfcx(high / Math.Sqrt(2));
        var mean = Math.Sqrt(2 / Pi) * -exponent.expm1() / mass;
        return where(isUpper, mean, -mean).to(type);
    }

    /// <summary>−1 below −1, 1 above 1, and between parabolas that meet at 0 with the slope 2: the sign, as far as gradients go.</summary>
    public static Tensor SignSurrogate(Tensor x)
    {
        var inside = x.clamp(-1, 1);
        return inside * (2 - inside.abs());
    }

    /// <summary>Numbers divided by their sum along an axis.</summary>
    public static Tensor Shares(Tensor x, long axis) => x / x.sum(axis, keepdim: true);

    /// <summary>The k largest numbers along an axis, and 0 in place of the others.</summary>
    public static Tensor KeepLargest(Tensor x, long axis, Tensor k)
    {
        var count = (int)k.item<double>();
        if (count > x.shape[axis])
            throw new ArgumentException($"Expected at least {count} numbers along axis {axis}, got {x.shape[axis]}", nameof(x));
        var least = x.topk(count, (int)axis).values.narrow(axis, count - 1, 1);
        return where(x >= least, x, 0);
    }

    /// <summary>Which places along an axis are even, broadcastable.</summary>
    public static Tensor IsEven(Tensor x, long axis) =>
        (arange(x.shape[axis], device: x.device).remainder(2) == 0).view([-1, .. Enumerable.Repeat(1L, (int)(x.dim() - axis - 1))]);

    /// <summary>Two halves along an axis.</summary>
    public static Tensor Both(Tensor a, Tensor b, long axis) => cat([a, b], axis);

    /// <summary>The numbers 0 and 1, 2 and 3, … along an axis, the larger one first.</summary>
    public static Tensor SortPairs(Tensor x, long axis)
    {
        if (x.shape[axis] % 2 != 0)
            throw new ArgumentException($"Expected pairs along axis {axis}, got {x.shape[axis]} numbers", nameof(x));
        var pairs = x.reshape([.. x.shape[..(int)axis], -1, 2, .. x.shape[((int)axis + 1)..]]);
        var (a, b) = (pairs.select(axis + 1, 0), pairs.select(axis + 1, 1));
        return stack([maximum(a, b), minimum(a, b)], axis + 1).reshape(x.shape);
    }

    // (eᶻ − 1) / z
    private static Tensor Expm1Over(Tensor z)
    {
        var near = z.abs() < Near;
        return where(near, 1 + z / 2 * (1 + z / 3 * (1 + z / 4 * (1 + z / 5 * (1 + z / 6)))), z.expm1() / where(near, 1, z));
    }

    // ln(1 + z) / z, z > −1
    private static Tensor Log1pOver(Tensor z)
    {
        var near = z.abs() < Near / 10;
        return where(near, 1 - z * (0.5 - z * (1 / 3.0 - z * (0.25 - z * (0.2 - z / 6)))), z.log1p() / where(near, 1, z));
    }
}
