using static TorchZoo.Models.Neurons.ActivationMath;

namespace TorchZoo.Models.Neurons;

/// <content>Sigmoids and other steps: the survey's sections 3.1 and 3.2.</content>
internal static partial class ActivationTable
{
    private static ActivationSpec[] Sigmoids =>
    [
        Fixed("BinaryStep", "3.1", "where(x>=0,1,0)")
            .Computes(x => Step(x))
            .Noted("Heaviside with H(0)=1"),
        Fixed("Sigmoid", "3.2", "1/(1+exp(-x))")
            .Computes(x => Sigmoid(x)),
        Fixed("Probit", "3.2", "Phi(x)")
            .Computes(x => Phi(x))
            .Noted("standard normal CDF"),
        Fixed("Tanh", "3.2", "tanh(x)")
            .Computes(x => Tanh(x)),
        Fixed("TanhHalf", "3.2", "tanh(x/2)")
            .Computes(x => Tanh(x / 2))
            .Noted("equals BipolarSigmoid"),
        Fixed("ScaledSigmoid", "3.2", "4*sigmoid(x)-2")
            .Computes(x => 4 * Sigmoid(x) - 2),
        Fixed("ShiftedScaledSigmoid", "3.2.1", "sigmoid(a*(x-b))", Constant("a", 0.02), Constant("b", 600))
            .Computes((x, a, b) => Sigmoid(a * (x - b))),
        Fixed("VariantSigmoid", "3.2.2", "a/(1+exp(-b*x))-c", Constant("a", 1, Ours), Constant("b", 1, Ours), Constant("c", 0, Ours))
            .Computes((x, a, b, c) => a * Sigmoid(b * x) - c),
        Fixed("ScaledTanh", "3.2.3", "a*tanh(b*x)", Constant("a", 1.7159), Constant("b", 2 / 3.0))
            .Computes((x, a, b) => a * Tanh(b * x))
            .Noted("LeCun stanh"),
        Fixed("BimodalSigmoid", "3.2.3", "0.5*(sigmoid(x)+sigmoid(x+b))", Constant("b", 2, Ours))
            .Computes((x, b) => 0.5 * (Sigmoid(x) + Sigmoid(x + b))),
        Fixed("Arctan", "3.2.4", "atan(x)")
            .Computes(x => Atan(x)),
        Fixed("ArctanGR", "3.2.4", "atan(x)/((1+sqrt(2))/2)")
            .Computes(x => Atan(x) / ((1 + Math.Sqrt(2)) / 2))
            .Noted("constant as printed in the survey; the name suggests the golden ratio (1+sqrt(5))/2, see ArctanGoldenRatio"),
        Fixed("ArctanPi", "3.2.4", "atan(x)/pi")
            .Computes(x => Atan(x) / Pi),
        Fixed("ArctanGoldenRatio", "3.2.4", "atan(x)/((1+sqrt(5))/2)")
            .Computes(x => Atan(x) / ((1 + Math.Sqrt(5)) / 2)),
        Fixed("ArctanE", "3.2.4", "atan(x)/e")
            .Computes(x => Atan(x) / Math.E),
        Fixed("SigmoidAlgebraic", "3.2.5", "sigmoid(x*(1+a*abs(x))/(1+abs(x)*(1+a*abs(x))))", Constant("a", 1, Ours))
            .Computes((x, a) => Sigmoid(x * (1 + a * Abs(x)) / (1 + Abs(x) * (1 + a * Abs(x))))),
        Fixed("TripleStateSigmoid", "3.2.6", "sigmoid(x)*(sigmoid(x)+sigmoid(x-a)+sigmoid(x-b))", Constant("a", 1, Ours),
            Constant("b", 2, Ours))
            .Computes((x, a, b) => Sigmoid(x) * (Sigmoid(x) + Sigmoid(x - a) + Sigmoid(x - b))),
        Fixed("ImprovedLogisticSigmoid", "3.2.7", "where(x>=b,a*(x-b)+sigmoid(b),where(x<=-b,a*(x+b)+sigmoid(-b),sigmoid(x)))",
            Constant("a", 0.2, Ours), Constant("b", 2, Ours))
            .Computes((x, a, b) => Where(x >= b, a * (x - b) + Sigmoid(b), Where(x <= -b, a * (x + b) + Sigmoid(-b), Sigmoid(x))))
            .Noted("monotone if a>0; the source asks a > exp(-b)/(1+exp(-b))^2"),
        Fixed("SigLin", "3.2.8", "sigmoid(x)+a*x", Constant("a", 0.1))
            .Computes((x, a) => Sigmoid(x) + a * x)
            .Noted("survey tried a in {0,0.05,0.1,0.15}"),
        Fixed("PenalizedTanh", "3.2.9", "where(x>=0,tanh(x),tanh(x)/a)", Constant("a", 4, Ours))
            .Computes((x, a) => Where(x >= 0, Tanh(x), Tanh(x) / a))
            .NonZero("a")
            .Noted("ptanh; slope 0.25 in the original"),
        Fixed("SoftRootSign", "3.2.10", "x/(x/a+exp(-x/b))", Constant("a", 2), Constant("b", 3))
            .Computes((x, a, b) => x / (x / a + BoundedExp(-x / b)))
            .Requires("0 < b/a < e", p => p["b"] / p["a"] is > 0 and < Math.E)
            .Noted("SRS; may be trainable; pole-free iff b/a<e"),
        Fixed("SoftClipping", "3.2.11", "(softplus(a*x)-softplus(a*(x-1)))/a", Constant("a", 50, Ours))
            .Computes((x, a) => (Softplus(a * x) - Softplus(a * (x - 1))) / a)
            .Positive("a")
            .Noted("= log((1+exp(a*x))/(1+exp(a*(x-1))))/a without overflow"),
        Fixed("Hexpo", "3.2.12", "where(x>=0,-a*(exp(-x/b)-1),c*(exp(x/d)-1))", Constant("a", 1, Ours), Constant("b", 1, Ours),
            Constant("c", 1, Ours), Constant("d", 1, Ours))
            .Computes((x, a, b, c, d) => Where(x >= 0, -a * Expm1(-Above(x) / b), c * Expm1(Below(x) / d)))
            .Positive("b", "d")
            .Noted("survey prints exp(-x/d) on the negative side (needs d<0); this is the tanh-shaped form with d>0"),
        Fixed("Softsign", "3.2.13", "x/(1+abs(x))")
            .Computes(x => Softsign(x)),
        Fixed("SmoothStep", "3.2.14", "where(x>=a/2,1,where(x<=-a/2,0,-2*x^3/a^3+3*x/(2*a)+0.5))", Constant("a", 1, Ours))
            .Computes((x, a) => Where(x >= a / 2, 1, Where(x <= -a / 2, 0, -2 * Pow(x, 3) / Pow(a, 3) + 3 * x / (2 * a) + 0.5)))
            .Positive("a"),
        Fixed("Elliott", "3.2.15", "0.5*x/(1+abs(x))+0.5")
            .Computes(x => 0.5 * Softsign(x) + 0.5),
        Fixed("SincSigmoid", "3.2.16", "sinc(sigmoid(x))")
            .Computes(x => Sinc(Sigmoid(x)))
            .Noted("sinc(u)=sin(u)/u, unnormalised"),
        Fixed("SigmoidGumbel", "3.2.17", "sigmoid(x)*exp(-exp(-x))")
            .Computes(x => Sigmoid(x) * Exp(-BoundedExp(-x))),
        Fixed("NewSigmoid", "3.2.18", "(exp(x)-exp(-x))/sqrt(2*(exp(2*x)+exp(-2*x)))")
            .Computes(x => OverRoot(Tanh(x)))
            .Noted("= sinh(x)/sqrt(cosh(2x)); tends to +-1/sqrt(2)"),
        Fixed("Root2Sigmoid", "3.2.19", "(2^(x/2)-2^(-x/2))/(2*sqrt(2)*sqrt(2*(2^x+2^(-x))))")
            .Computes(x => OverRoot(Tanh(Ln2 / 2 * x)) / Math.Sqrt(8)),
        Fixed("LogLog", "3.2.20", "exp(-exp(-x))")
            .Computes(x => Exp(-BoundedExp(-x)))
            .Noted("Gumbel CDF"),
        Fixed("CLogLog", "3.2.21", "1-exp(-exp(-x))")
            .Computes(x => -Expm1(-BoundedExp(-x)))
            .Noted("as printed (decreasing); the statistical complementary log-log is 1-exp(-exp(x))"),
        Fixed("CLogLogM", "3.2.21", "1-2*exp(-0.7*exp(-x))")
            .Computes(x => 1 - 2 * Exp(-0.7 * BoundedExp(-x)))
            .Noted("as printed; compare CLogLog"),
        Fixed("SechSig", "3.2.22", "(x+sech(x))*sigmoid(x)")
            .Computes(x => (x + Sech(x)) * Sigmoid(x)),
        Fixed("PSechSig", "3.2.22", "(x+a*sech(x+a))*sigmoid(x)", Constant("a", 1, Ours))
            .Computes((x, a) => (x + a * Sech(x + a)) * Sigmoid(x)),
        Fixed("TanhSig", "3.2.23", "(x+tanh(x))*sigmoid(x)")
            .Computes(x => (x + Tanh(x)) * Sigmoid(x)),
        Fixed("PTanhSig", "3.2.23", "(x+a*tanh(x+a))*sigmoid(x)", Constant("a", 1, Ours))
            .Computes((x, a) => (x + a * Tanh(x + a)) * Sigmoid(x)),
        Fixed("MultistateActivation", "3.2.24", "a+sigmoid(x-b1)+sigmoid(x-b2)", Constant("a", 0, Ours), Constant("b1", 1, Ours),
            Constant("b2", 2, Ours))
            .Computes((x, a, b1, b2) => a + Sigmoid(x - b1) + Sigmoid(x - b2))
            .Noted("MSAF of order N: a + sum_k sigmoid(x-b_k), 0<b_1<...<b_N; N=2 here"),
        Fixed("SymmetricMsaf", "3.2.24", "-1+sigmoid(x)+sigmoid(x+a)", Constant("a", -4, Ours))
            .Computes((x, a) => -1 + Sigmoid(x) + Sigmoid(x + a))
            .Noted("a << 0"),
        Fixed("Rootsig", "3.2.25", "a*x/(1+sqrt(1+a^2*x^2))", Constant("a", 1))
            .Computes((x, a) => a * x / (1 + Sqrt(1 + Square(a * x)))),
        Fixed("ScaledSoftsignSigmoid", "3.2.25", "a*x/(1+abs(a*x))", Constant("a", 1, Ours))
            .Computes((x, a) => Softsign(a * x)),
        Fixed("InverseSqrtSigmoid", "3.2.25", "a*x/sqrt(1+a^2*x^2)", Constant("a", 1, Ours))
            .Computes((x, a) => OverRoot(a * x)),
        Fixed("RationalSigmoid", "3.2.25", "x/(abs(x)+a)", Constant("a", 1, Ours))
            .Computes((x, a) => x / (Abs(x) + a))
            .Noted("survey prints x*(sign(x)*x-a)/(x^2-a^2): same with the removable poles at x=+-a cancelled"),
        Fixed("BipolarSigmoid", "3.2.26", "2*sigmoid(x)-1")
            .Computes(x => 2 * Sigmoid(x) - 1),
        Fixed("BipolarSigmoidTanh", "3.2.26", "where(x>=0,2*sigmoid(x)-1,tanh(x))")
            .Computes(x => Where(x >= 0, 2 * Sigmoid(x) - 1, Tanh(x))),
        Fixed("BipolarSigmoidZero", "3.2.26", "where(x>=0,2*sigmoid(x)-1,0)")
            .Computes(x => Where(x >= 0, 2 * Sigmoid(x) - 1, 0)),
        Fixed("TanhZero", "3.2.26", "where(x>=0,tanh(x),0)")
            .Computes(x => Where(x >= 0, Tanh(x), 0)),
        Fixed("BipolarSigmoidLinear", "3.2.26", "where(x>=0,2*sigmoid(x)-1,a*x)", Constant("a", 1, Ours))
            .Computes((x, a) => Where(x >= 0, 2 * Sigmoid(x) - 1, a * x)),
        Fixed("TanhLinear", "3.2.26", "where(x>=0,tanh(x),a*x)", Constant("a", 1, Ours))
            .Computes((x, a) => Where(x >= 0, Tanh(x), a * x)),
    ];
}
