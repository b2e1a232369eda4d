using static TorchZoo.Models.Neurons.ActivationMath;

namespace TorchZoo.Models.Neurons;

/// <content>Other adaptive shapes: the survey's sections 4.8 to 4.28.</content>
internal static partial class ActivationTable
{
    private static ActivationSpec[] AdaptiveShapes =>
    [
        Adaptive("ARBF", "4.8", "exp(-(x-a)^2/(2*b^2))", Trainable("a", 0, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => Exp(-Square(x - a) / (2 * Square(b))))
            .NonZero("b"),
        Adaptive("PGELU", "4.9", "x*Phi(x/a)", Trainable("a", 1, Ours))
            .Computes((x, a) => Gelu(x, 1 / a))
            .NonZero("a"),
        Adaptive("PFTS", "4.10", "where(x>=0,x*sigmoid(x),0)+t", Trainable("t", -0.2))
            .Computes((x, t) => Where(x >= 0, Silu(x), 0) + t),
        Adaptive("PFPM", "4.11", "where(x>=0,x*tanh(softplus(x)),0)+p", Trainable("p", 0, Ours))
            .Computes((x, p) => Where(x >= 0, Mish(x), 0) + p),
        Adaptive("GEU", "4.12", "Phi(x/a)", Trainable("a", 1, Ours))
            .Computes((x, a) => Phi(x / a))
            .NonZero("a"),
        Adaptive("RSign", "4.14", "where(x>=a,1,-1)", Trainable("a", 0, Ours))
            .Computes((x, a) => 2 * Step(x - a) - 1)
            .Surrogate((x, a) => SignSurrogate(x - a))
            .Noted("needs a surrogate gradient (ReActNet: polynomial, 2+2x on [-1,0), 2-2x on [0,1))"),
        Adaptive("PSigRamp", "4.15", "a*sigmoid(x)+(1-a)*clip(b*x+0.5,0,1)", Trainable("a", 0.5, Ours), Trainable("b", 0.25, Ours))
            .Computes((x, a, b) => Mix(a, Sigmoid(x), Clip(b * x + 0.5, 0, 1))),
        Adaptive("LAAFTanh", "4.16", "tanh(n*a*x)", Trainable("a", 0.1), Constant("n", 10))
            .Computes((x, a, n) => Tanh(n * a * x))
            .Noted("n*a=1 at the start; n scales the learning speed of a"),
        Adaptive("LAAFSigmoid", "4.16", "sigmoid(n*a*x)", Trainable("a", 0.1), Constant("n", 10))
            .Computes((x, a, n) => Sigmoid(n * a * x)),
        Adaptive("LAAFReLU", "4.16", "relu(n*a*x)", Trainable("a", 0.1), Constant("n", 10))
            .Computes((x, a, n) => Relu(n * a * x)),
        Adaptive("LAAFLeakyReLU", "4.16", "max(n*a*x,0)-b*max(-n*a*x,0)", Trainable("a", 0.1), Constant("n", 10), Constant("b", 0.01))
            .Computes((x, a, n, b) => Relu(n * a * x) - b * Relu(-n * a * x)),
        Adaptive("AdaptiveSlopeTanh", "4.16.1", "tanh(a*x)", Trainable("a", 1, Ours))
            .Computes((x, a) => Tanh(a * x)),
        Adaptive("PSTanh", "4.16.2", "x*a*(1+tanh(b*x))", Trainable("a", 0.5, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => x * a * (1 + Tanh(b * x))),
        Adaptive("SSinH", "4.16.3", "a*sinh(b*x)", Trainable("a", 1, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => a * Sinh(b * x)),
        Adaptive("SExp", "4.16.4", "a*(exp(b*x)-1)", Trainable("a", 1, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => a * Expm1(b * x)),
        Adaptive("LAU", "4.16.5", "x*log(1+a*sigmoid(b*x))", Trainable("a", 1), Trainable("b", 1))
            .Computes((x, a, b) => x * Log1p(a * Sigmoid(b * x)))
            .Noted("logmoid"),
        Adaptive("CosLU", "4.16.6", "(x+a*cos(b*x))*sigmoid(x)", Trainable("a", 1, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => (x + a * Cos(b * x)) * Sigmoid(x)),
        Adaptive("AGumb", "4.16.7", "1-(1+a*exp(x))^(-1/a)", Trainable("a", 1, Ours, min: 1e-6))
            .Computes((x, a) => -Expm1(-Softplus(x + Log(a)) / a))
            .Positive("a")
            .Noted("a=1 is the sigmoid; a->0 the Gumbel CDF"),
        Adaptive("SAAAF", "4.17", "x/(x/a+exp(-x/b))", Trainable("a", 2, Ours), Trainable("b", 3, Ours))
            .Computes((x, a, b) => x / (x / a + BoundedExp(-x / b)))
            .Requires("0 < b/a < e", p => p["b"] / p["a"] is > 0 and < Math.E)
            .Noted("trainable SRS; constraint 0<b/a<e keeps it pole-free"),
        Adaptive("FracReLU", "4.19.1", "where(x>=0,abs(x)^(1-a)/Gamma(2-a),0)", Trainable("a", 0.5, Ours, min: 0, max: 1))
            .Computes((x, a) => Pow(Relu(x), 1 - a) / Gamma(2 - a))
            .Requires("a < 2", p => p["a"] < 2),
        Adaptive("FALU", "4.19.4", "x*sigmoid(b*x)+a*sigmoid(b*x)*(1-x*sigmoid(b*x))", Trainable("a", 0.5, Ours, min: 0, max: 2),
            Trainable("b", 1, Ours))
            .Computes((x, a, b) => FractionalSwish(x, a, b))
            .Requires("0 <= a <= 2", p => p["a"] is >= 0 and <= 2)
            .Noted("approximation for 0<=a<=1; a=0 swish, a=1,b=1 its derivative. For 1<a<=2: h+(a-1)*s*(1-2h), h = g+s*(1-g), g=x*s, "
                + "s=sigmoid(b*x)"),
        Adaptive("ScaledSoftsign", "4.20", "a*x/(b+abs(x))", Trainable("a", 1, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => a * x / (b + Abs(x))),
        Adaptive("ParametrizedSoftplus", "4.21", "softplus(x)-a", Trainable("a", 0.5, Ours, min: 0, max: 1))
            .Computes((x, a) => Softplus(x) - a)
            .Noted("s+2L; a in [0,1]"),
        Adaptive("UAF", "4.22", "log(1+exp(a*(x+b)+c*x^2))-log(1+exp(d*(x-b)))+f", Trainable("a", 1, Ours), Trainable("b", 0.5, Ours),
            Trainable("c", -0.1, Ours), Trainable("d", 1, Ours), Trainable("f", 0.25, Ours))
            .Computes((x, a, b, c, d, f) => Softplus(a * (x + b) + c * Square(x)) - Softplus(d * (x - b)) + f),
        Adaptive("LEAF", "4.23", "(a*x+b)*sigmoid(c*x)+d", Trainable("a", 1), Trainable("b", 0), Trainable("c", 1), Trainable("d", 0))
            .Computes((x, a, b, c, d) => (a * x + b) * Sigmoid(c * x) + d)
            .Noted("SiLU: 1,0,1,0; sigmoid: 0,1,1,0; tanh: 0,2,2,-1; ReLU: 1,0,inf,0"),
        Adaptive("GReLU", "4.24", "log(1+a^(b*x))/(b*log(a))", Trainable("a", 2, Ours, min: 1.001), Trainable("b", 1, Ours))
            .Computes((x, a, b) => Softplus(b * Log(a) * x) / (b * Log(a)))
            .Requires("a > 1", p => p["a"] > 1)
            .NonZero("b")
            .Noted("generalised ReLU; a>1, b>0; = softplus(b*ln(a)*x)/(b*ln(a))"),
        Adaptive("MAF", "4.25", "sqrt((x-a)^2+b^2)", Trainable("a", 0, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => Sqrt(Square(x - a) + Square(b))),
        Adaptive("EIS", "4.26", "x*softplus(x)^a/(sqrt(b+c*x^2)+d*exp(-f*x))", Trainable("a", 1, Ours), Trainable("b", 1, Ours),
            Trainable("c", 1, Ours), Trainable("d", 1, Ours), Trainable("f", 1, Ours))
            .Computes((x, a, b, c, d, f) => x * Pow(Softplus(x), a) / (Sqrt(b + c * Square(x)) + d * BoundedExp(-f * x))),
        Adaptive("EIS1", "4.26", "x*softplus(x)/(sqrt(x^2)+d*exp(-f*x))", Trainable("d", 1.16, Ours), Trainable("f", 1.25, Ours))
            .Computes((x, d, f) => x * Softplus(x) / (Abs(x) + d * BoundedExp(-f * x))),
        Adaptive("EIS2", "4.26", "x*softplus(x)/sqrt(b+x^2)", Trainable("b", 1.75, Ours))
            .Computes((x, b) => x * Softplus(x) / Sqrt(b + Square(x)))
            .NonNegative("b"),
        Adaptive("EIS3", "4.26", "x/(1+d*exp(-f*x))", Trainable("d", 1.16, Ours), Trainable("f", 1.25, Ours))
            .Computes((x, d, f) => x / (1 + d * BoundedExp(-f * x))),
        Adaptive("ELUSoftplusBlend", "4.27", "b*elu(x)+(1-b)*(softplus(x)-a)", Trainable("a", 0.5, Ours), Trainable("b", 0.5, Ours))
            .Computes((x, a, b) => Mix(b, Elu(x), Softplus(x) - a))
            .Noted("ELUs+2L"),
        Adaptive("NAF", "4.28", "a*sin(b*x)+c*sigmoid(d*x)", Trainable("a", 1, Ours), Trainable("b", 1, Ours), Trainable("c", 1, Ours),
            Trainable("d", 1, Ours))
            .Computes((x, a, b, c, d) => a * Sin(b * x) + c * Sigmoid(d * x))
            .Noted("neuron-adaptive; also CSS and SLS-SS"),
        Adaptive("ScaledLogisticSigmoid", "4.28", "a*sigmoid(b*x)", Trainable("a", 1, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => a * Sigmoid(b * x)),
    ];
}
