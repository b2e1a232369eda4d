using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchZoo.Kernels.Cpu;

/// <summary>
/// Elementary functions and activations of registers of any width, in float32 and float64, for kernels to build on: everything is inlined,
/// and the bits don't depend on the width or on the other lanes. Where a backward pass needs the derivative, one call gives both for little
/// more than the price of one.
/// </summary>
/// <remarks>
/// Errors are in ulp, units in the last place of the exact result, and hold for all arguments unless something else is said; results below
/// the smallest normal number are right to one of their own units more, and those of SiLU, GELU and Mish below 10⁻³⁶ (float64: 10⁻³⁰⁶) to
/// an ulp of that. NaN stays NaN; infinities give what libtorch's functions give, so
/// x σ(x) and its like are NaN at −∞. The polynomials are minimax fits (Remez) of our own.
/// </remarks>
public static unsafe class VectorMath
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>eˣ, to 1 ulp.</summary>
    [MethodImpl(Inline)]
    public static V Exp<V, T>(V x) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        // Beyond these it is 0 and ∞ anyhow.
        x = IsSingle<T>() ? V.Clamp(x, V.Constant(-104), V.Constant(89)) : V.Clamp(x, V.Constant(-746), V.Constant(710));
        var (n, p) = Reduced<V, T>(x);
        // In two steps: 2ⁿ alone may be out of range where the result isn't, and a result below the normal numbers is rounded once.
        var half = V.Round(n * V.Constant(0.5));
        return (p + V.Constant(1)) * V.PowerOfTwo(half) * V.PowerOfTwo(n - half);
    }

    /// <summary>ln x, to 1 ulp.</summary>
    [MethodImpl(Inline)]
    public static V Log<V, T>(V x) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (smallest, up) = IsSingle<T>() ? (1.17549435e-38, 23) : (2.2250738585072014e-308, 52);
        var tiny = V.LessThan(x, V.Constant(smallest));
        var scaled = V.Select(tiny, x * V.Constant(Math.ScaleB(1, up)), x);
        V n = V.Exponent(scaled) - (tiny & V.Constant(up)), m = V.Mantissa(scaled);
        // x = 2ⁿ (1 + f) with 1 + f between √½ and √2.
        var large = V.LessThan(V.Constant(1.4142135623730951), m);
        n += large & V.Constant(1);
        var f = V.Select(large, m * V.Constant(0.5), m) - V.Constant(1);
        // ln(1 + f) = f − f²/2 + s (f²/2 + R(s²)), s = f / (2 + f), R what is left of 2 artanh(s) / s.
        V s = f / (f + V.Constant(2)), z = s * s, square = f * f * V.Constant(0.5);
        var r = z * (IsSingle<T>()
            ? Horner<V, T>(z, V.Constant(0.29592457), 0.39988488, 0.66666687)
            : Horner<V, T>(z, Horner<V, T>(z, V.Constant(0.14631343533315438), 0.1533050033307824, 0.1818292642447615),
                0.22222210613961982, 0.285714286292308, 0.39999999999892155, 0.666666666666667));
        var (high, low) = IsSingle<T>() ? (0.693145752, 1.42860677e-6) : (0.69314718036912382, 1.9082149292705877e-10);
        var log = V.MultiplyAdd(n, V.Constant(high), f - (square - V.MultiplyAdd(s, square + r, n * V.Constant(low))));
        // What isn't a positive number.
        log = V.Select(V.LessThan(x, Infinity<V, T>()), log, x);
        log = V.Select(V.Equals(x, V.Zero), -Infinity<V, T>(), log);
        return V.Select(V.LessThan(x, V.Zero), V.Create(T.NaN), log);
    }

    /// <summary>σ(x) = 1 / (1 + e⁻ˣ), to 3 ulp.</summary>
    [MethodImpl(Inline)]
    public static V Sigmoid<V, T>(V x) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
        Sigmoid<V, T>(x, out _);

    /// <summary>σ(x), to 3 ulp.</summary>
    /// <param name="x">x</param>
    /// <param name="slope">σ'(x) = σ(x) σ(−x), to 4 ulp.</param>
    [MethodImpl(Inline)]
    public static V Sigmoid<V, T>(V x, out V slope) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        var e = Exp<V, T>(-V.Abs(x));
        var r = V.Constant(1) / (V.Constant(1) + e);
        var other = e * r;
        slope = other * r;
        return V.Select(V.LessThan(x, V.Zero), other, r);
    }

    /// <summary>tanh x, to 3 ulp.</summary>
    [MethodImpl(Inline)]
    public static V Tanh<V, T>(V x) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> => Tanh<V, T>(x, out _);

    /// <summary>tanh x, to 3 ulp.</summary>
    /// <param name="x">x</param>
    /// <param name="slope">tanh'(x) = 1 − tanh²(x), to 6 ulp, where it is larger than the square root of the smallest number.</param>
    [MethodImpl(Inline)]
    public static V Tanh<V, T>(V x, out V slope) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        // With u = e^{2|x|} − 1 it is u / (u + 2).
        var twice = V.Abs(x) + V.Abs(x);
        var (n, p) = Reduced<V, T>(V.Clamp(twice, V.Zero, V.Constant(IsSingle<T>() ? 87 : 709)));
        var power = V.PowerOfTwo(n);
        var u = V.MultiplyAdd(power, p, power - V.Constant(1));
        var r = V.Constant(1) / (u + V.Constant(2));
        slope = (u + V.Constant(1)) * r * (r * V.Constant(4));
        return u * r | x & V.Create(T.NegativeZero);
    }

    /// <summary>SiLU (swish), x σ(x), to 3 ulp.</summary>
    [MethodImpl(Inline)]
    public static V Silu<V, T>(V x) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> => x * Sigmoid<V, T>(x);

    /// <summary>SiLU.</summary>
    /// <param name="x">x</param>
    /// <param name="slope">σ(x) + x σ'(x), to 4 ulp of 1.</param>
    [MethodImpl(Inline)]
    public static V Silu<V, T>(V x, out V slope) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        var s = Sigmoid<V, T>(x, out var steep);
        slope = V.MultiplyAdd(x, steep, s);
        return x * s;
    }

    /// <summary>Φ(x), the standard normal distribution up to x, to 6 ulp.</summary>
    [MethodImpl(Inline)]
    public static V NormalCdf<V, T>(V x) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
        NormalCdf<V, T>(x, out _);

    /// <summary>Φ(x), to 6 ulp, in the far tails too.</summary>
    /// <param name="x">x</param>
    /// <param name="density">φ(x) = e^{−x²/2} / √(2π), to 3 ulp.</param>
    [MethodImpl(Inline)]
    public static V NormalCdf<V, T>(V x, out V density) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        // Φ(−a) = e^{−a²/2} M(a), and (a + 4) M(a) is a polynomial in t = (a − 4) / (a + 4). Beyond 40 all is 0 in both types.
        var a = V.Clamp(V.Abs(x), V.Zero, V.Constant(40));
        var r = V.Constant(1) / (a + V.Constant(4));
        var m = r * Mills<V, T>((a - V.Constant(4)) * r);
        // What a² loses by rounding would be multiplied by a².
        V square = a * a, lost = V.MultiplyAdd(a, a, -square);
        var e = Exp<V, T>(square * V.Constant(-0.5));
        e = V.MultiplyAdd(e, lost * V.Constant(-0.5), e);
        density = e * V.Constant(0.3989422804014327);
        var tail = e * m;
        return V.Select(V.LessThan(x, V.Zero), tail, V.Constant(1) - tail);
    }

    /// <summary>GELU, x Φ(x), to 6 ulp, in the far negative tail too.</summary>
    [MethodImpl(Inline)]
    public static V Gelu<V, T>(V x) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> => x * NormalCdf<V, T>(x);

    /// <summary>GELU.</summary>
    /// <param name="x">x</param>
    /// <param name="slope">Φ(x) + x φ(x), to 4 ulp of 1.</param>
    [MethodImpl(Inline)]
    public static V Gelu<V, T>(V x, out V slope) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        var cdf = NormalCdf<V, T>(x, out var density);
        slope = V.MultiplyAdd(x, density, cdf);
        return x * cdf;
    }

    /// <summary>GELU's approximation x σ(2u), u = √(2/π) (x + 0.044715 x³), usually written with ½ (1 + tanh u); to 4 ulp of the larger of
    /// |x| and 1.</summary>
    [MethodImpl(Inline)]
    public static V GeluTanh<V, T>(V x) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
        GeluTanh<V, T>(x, out _);

    /// <summary>GELU's approximation.</summary>
    /// <param name="x">x</param>
    /// <param name="slope">σ(2u) + x σ'(2u) 2u'(x), to 8 ulp of 1.</param>
    [MethodImpl(Inline)]
    public static V GeluTanh<V, T>(V x, out V slope) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        const double twice = 1.5957691216057308, cubic = 0.044715;
        var square = x * x;
        var s = Sigmoid<V, T>(x * V.MultiplyAdd(square, V.Constant(twice * cubic), V.Constant(twice)), out var steep);
        slope = V.MultiplyAdd(x * steep, V.MultiplyAdd(square, V.Constant(3 * twice * cubic), V.Constant(twice)), s);
        return x * s;
    }

    /// <summary>ln(1 + eˣ), to 3 ulp.</summary>
    [MethodImpl(Inline)]
    public static V Softplus<V, T>(V x) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
        Softplus<V, T>(x, out _);

    /// <summary>ln(1 + eˣ), to 3 ulp.</summary>
    /// <param name="x">x</param>
    /// <param name="slope">σ(x), to 3 ulp.</param>
    [MethodImpl(Inline)]
    public static V Softplus<V, T>(V x, out V slope) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        var e = Exp<V, T>(-V.Abs(x));
        var r = V.Constant(1) / (V.Constant(1) + e);
        slope = V.Select(V.LessThan(x, V.Zero), e * r, r);
        // ln(1 + e) = 2 artanh(s), s = e / (2 + e) ≤ 1/3.
        V s = e / (e + V.Constant(2)), z = s * s;
        var q = IsSingle<T>()
            ? Horner<V, T>(z, V.Constant(0.23259772), 0.21698879, 0.28592879, 0.39999694, 0.66666669)
            : V.MultiplyAdd(Horner<V, T>(z, Horner<V, T>(z, V.Constant(0.16196561696326128),
                    0.0878473618091648, 0.12004352887317192, 0.13313781806637612, 0.15385593389228067),
                0.18181788554857767, 0.222222227361188, 0.2857142856691036, 0.4000000000001539), z, V.Constant(0.6666666666666666));
        return V.Max(x, V.Zero) + V.MultiplyAdd(s * z, q, s + s);
    }

    /// <summary>Mish, x tanh(ln(1 + eˣ)), to 4 ulp.</summary>
    [MethodImpl(Inline)]
    public static V Mish<V, T>(V x) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> => Mish<V, T>(x, out _);

    /// <summary>Mish, to 4 ulp.</summary>
    /// <param name="x">x</param>
    /// <param name="slope">Its derivative, to 8 ulp of 1.</param>
    [MethodImpl(Inline)]
    public static V Mish<V, T>(V x, out V slope) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        var gate = TanhSoftplus<V, T>(x, out var steep);
        slope = V.MultiplyAdd(x, steep, gate);
        return x * gate;
    }

    /// <summary>tanh(ln(1 + eˣ)), to 4 ulp: what Mish multiplies x by.</summary>
    /// <param name="x">x</param>
    /// <param name="slope">Its derivative, to 6 ulp.</param>
    [MethodImpl(Inline)]
    public static V TanhSoftplus<V, T>(V x, out V slope) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        // (e² + 2e) / (e² + 2e + 2) for e = eˣ; multiplied through by e⁻²ˣ where x > 0, so that nothing overflows. The derivative of that
        // is 4 e (1 + e) / (…)².
        var e = Exp<V, T>(-V.Abs(x));
        var negative = V.LessThan(x, V.Zero);
        V one = V.Constant(1), two = V.Constant(2), square = e * e;
        var n = V.Select(negative, V.MultiplyAdd(two, e, square), V.MultiplyAdd(two, e, one));
        var r = one / (n + V.Select(negative, two, square + square));
        slope = r * r * (V.Constant(4) * (one + e) * V.Select(negative, e, square));
        return n * r;
    }

    /// <summary>sin x, to 1 ulp of 1.</summary>
    [MethodImpl(Inline)]
    public static V Sin<V, T>(V x) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> => Sin<V, T>(x, out _);

    /// <summary>cos x, to 1 ulp of 1.</summary>
    [MethodImpl(Inline)]
    public static V Cos<V, T>(V x) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        Sin<V, T>(x, out var cos);
        return cos;
    }

    /// <summary>sin x, to 1 ulp of 1.</summary>
    /// <param name="x">x; beyond 10⁵ it takes some ten times as long.</param>
    /// <param name="slope">cos x, to 1 ulp of 1.</param>
    [MethodImpl(Inline)]
    public static V Sin<V, T>(V x, out V slope) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        // x = n π/2 + r, |r| ≤ π/4. Up to 1e5 n·π/2, subtracted in three parts, leaves an error far below an ulp of 1.
        var near = V.LessThanOrEqual(V.Abs(x), V.Constant(1e5));
        var reducible = x & near;
        var n = V.Round(reducible * V.Constant(0.6366197723675814));
        var (first, second, third) = IsSingle<T>() ? (-1.57079637, 4.37113883e-8, 1.71512451e-15)
            : (-1.5707963267948966, -6.123233995736766e-17, 1.4973849048591833e-33);
        var r = V.MultiplyAdd(n, V.Constant(third), V.MultiplyAdd(n, V.Constant(second), V.MultiplyAdd(n, V.Constant(first), reducible)));
        var z = r * r;
        V s, c;
        if (IsSingle<T>())
        {
            s = Horner<V, T>(z, V.Constant(-1.9587757e-4), 8.332748e-3, -1.6666664e-1);
            c = Horner<V, T>(z, V.Constant(2.4547788e-5), -1.3888302e-3, 4.1666664e-2);
        }
        else
        {
            s = V.MultiplyAdd(Horner<V, T>(z, V.Constant(1.5918002281873061e-10), -2.5051130101805494e-08, 2.755731609430797e-06,
                -0.0001984126983674298, 0.00833333333333094), z, V.Constant(-0.16666666666666666));
            c = V.MultiplyAdd(Horner<V, T>(z, V.Constant(-1.138255204095506e-11), 2.0876145163581403e-09, -2.7557317266494944e-07,
                2.4801587298755762e-05, -0.001388888888888739), z, V.Constant(0.041666666666666664));
        }
        V sin = V.MultiplyAdd(s * z, r, r), cos = V.MultiplyAdd(c * z, z, V.MultiplyAdd(z, V.Constant(-0.5), V.Constant(1)));

        // Odd quadrants exchange the two; the second and third turn sines, the first and second cosines.
        var even = V.Equals(n, V.Round(n * V.Constant(0.5)) * V.Constant(2));
        var quadrant = V.MultiplyAdd(V.Round(V.MultiplyAdd(n, V.Constant(0.25), V.Constant(-0.375))), V.Constant(-4), n);
        var sign = V.Create(T.NegativeZero);
        var result = V.Select(even, sin, cos) ^ sign & V.LessThan(V.Constant(1.5), quadrant);
        slope = V.Select(even, cos, sin) ^ sign & V.LessThan(V.Abs(quadrant - V.Constant(1.5)), V.Constant(1));
        // A zero keeps its sign.
        result = V.Select(V.Equals(x, V.Zero), x, result);

        var far = near ^ V.Equals(V.Zero, V.Zero);
        if (!V.Any(far)) return result;
        var slow = OneByOne<V, T>(x, out var slowSlope);
        slope = V.Select(far, slowSlope, slope);
        return V.Select(far, slow, result);
    }

    /// <summary>x = n ln 2 + r: n and e^r − 1. Also of what is NaN.</summary>
    [MethodImpl(Inline)]
    private static (V N, V P) Reduced<V, T>(V x) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (high, low) = IsSingle<T>() ? (-0.693145752, -1.42860677e-6) : (-0.69314718036912382, -1.9082149292705877e-10);
        var n = V.Round(x * V.Constant(1.4426950408889634));
        var r = V.MultiplyAdd(n, V.Constant(low), V.MultiplyAdd(n, V.Constant(high), x));
        var q = IsSingle<T>()
            ? Horner<V, T>(r, V.Constant(1.3942162e-3), 8.3637787e-3, 4.1666362e-2, 1.6666573e-1, 0.5)
            : V.MultiplyAdd(Horner<V, T>(r, Horner<V, T>(r, V.Constant(2.5111203976285736e-08),
                    2.7621340825620823e-07, 2.755723924445858e-06, 2.480151863611152e-05, 0.00019841269889351839),
                0.0013888888918943214, 0.008333333333321294, 0.04166666666662063, 0.16666666666666674), r, V.Constant(0.5));
        return (n, V.MultiplyAdd(r * r, q, r));
    }

    [MethodImpl(Inline)]
    private static V Mills<V, T>(V t) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (IsSingle<T>())
            return V.MultiplyAdd(Horner<V, T>(t, Horner<V, T>(t, Horner<V, T>(t, V.Constant(2.1979045e-5), -1.7259913e-6, -2.1777107e-4),
                    1.3364042e-4, 1.6242476e-3, -3.4799429e-3, -7.5386888e-3),
                6.0396645e-2, -1.8652199e-1, 3.8713738e-1, -6.0789663e-1), t, V.Constant(7.5528514e-1));
        var p = Horner<V, T>(t, V.Constant(-1.493652740257278e-10), -1.6858484617128238e-09, -4.177457605049863e-10);
        p = Horner<V, T>(t, p, 1.6051943924441825e-08, 1.7419118940711307e-08, -7.874694750243116e-08, -1.5916438548878383e-07);
        p = Horner<V, T>(t, p, 2.6468456535321184e-07, 1.0242368917278458e-06, -6.249141713278749e-07, -5.921289418198119e-06);
        p = Horner<V, T>(t, p, 7.145802608618931e-07, 3.5144988130198346e-05, -1.907668513853717e-06, -0.00023109498674822625);
        p = Horner<V, T>(t, p, 0.00013334420755164476, 0.001630818462778924, -0.0034796923564507903, -0.00754018896699662);
        p = Horner<V, T>(t, p, 0.06039657489034808, -0.18652185795965176, 0.3871374007422269, -0.6078966419718921);
        return V.MultiplyAdd(p, t, V.Constant(0.7552851304157514));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static V OneByOne<V, T>(V x, out V cos) where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* angles = stackalloc T[V.Count], others = stackalloc T[V.Count];
        x.Store(angles);
        for (var i = 0; i < V.Count; i++) (angles[i], others[i]) = T.SinCos(angles[i]);
        cos = V.Load(others);
        return V.Load(angles);
    }

    // a x² + b x + c and so on, highest first.
    [MethodImpl(Inline)]
    private static V Horner<V, T>(V x, V a, double b, double c)
        where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
        V.MultiplyAdd(V.MultiplyAdd(a, x, V.Constant(b)), x, V.Constant(c));

    [MethodImpl(Inline)]
    private static V Horner<V, T>(V x, V a, double b, double c, double d, double e)
        where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
        Horner<V, T>(x, Horner<V, T>(x, a, b, c), d, e);

    [MethodImpl(Inline)]
    private static V Infinity<V, T>() where V : struct, ILanes<V, T> where T : unmanaged, IFloatingPointIeee754<T> =>
        V.Create(T.PositiveInfinity);

    [MethodImpl(Inline)]
    private static bool IsSingle<T>() => typeof(T) == typeof(float);
}
