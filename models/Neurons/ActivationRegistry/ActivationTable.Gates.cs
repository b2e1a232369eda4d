using static TorchZoo.Models.Neurons.ActivationMath;

namespace TorchZoo.Models.Neurons;

/// <content>Inputs that gate themselves or each other, and softmax: the survey's sections 3.3 to 3.5.</content>
internal static partial class ActivationTable
{
    private static ActivationSpec[] Gates =>
    [
        Fixed("SiLU", "3.3", "x*sigmoid(x)")
            .Computes(x => Silu(x)),
        Fixed("WeightedSigmoidGate", "3.3", "x*sigmoid(y)")
            .Gates((x, y) => x * Sigmoid(y))
            .Noted("WiG: raw input x gated by the sigmoid of a learned affine map y"),
        Fixed("GELU", "3.3.1", "x*Phi(x)")
            .Computes(x => Gelu(x)),
        Fixed("GELUTanh", "3.3.1", "0.5*x*(1+tanh(sqrt(2/pi)*(x+0.044715*x^3)))")
            .Computes(x => 0.5 * x * (1 + Tanh(Math.Sqrt(2 / Pi) * (x + 0.044715 * Pow(x, 3))))),
        Fixed("GELUSigmoid", "3.3.1", "x*sigmoid(1.702*x)")
            .Computes(x => Swish(x, 1.702))
            .Noted("QuickGELU"),
        Fixed("SGELU", "3.3.2", "a*x*erf(x/sqrt(2))", Constant("a", 1, Ours))
            .Computes((x, a) => a * x * Erf(x / Math.Sqrt(2)))
            .Noted("symmetrical GELU, an even function"),
        Fixed("CaLU", "3.3.3", "x*(atan(x)/pi+0.5)")
            .Computes(x => x * (Atan(x) / Pi + 0.5))
            .Noted("Cauchy linear unit"),
        Fixed("LaLU", "3.3.4", "x*where(x>=0,1-0.5*exp(-x),0.5*exp(x))")
            .Computes(x => x * Where(x >= 0, 1 - 0.5 * Exp(-Above(x)), 0.5 * Exp(Below(x))))
            .Noted("Laplace linear unit"),
        Fixed("CoLU", "3.3.5", "x/(1-x*exp(-(x+exp(x))))")
            .Computes(x => x / (1 - x * BoundedExp(-(x + BoundedExp(x)))))
            .Noted("collapsing linear unit"),
        Fixed("TripleStateSwish", "3.3.6", "x*sigmoid(x)*(sigmoid(x)+sigmoid(x-a)+sigmoid(x-b))", Constant("a", 1, Ours),
            Constant("b", 2, Ours))
            .Computes((x, a, b) => x * Sigmoid(x) * (Sigmoid(x) + Sigmoid(x - a) + Sigmoid(x - b))),
        Fixed("GeneralizedSwish", "3.3.7", "x*sigmoid(exp(-x))")
            .Computes(x => x * Sigmoid(BoundedExp(-x))),
        Fixed("ExponentialSwish", "3.3.8", "exp(-x)*sigmoid(x)")
            .Computes(x => Sigmoid(-x))
            .Noted("= sigmoid(-x): identical, since exp(-x)*sigmoid(x)=1/(1+exp(x))"),
        Fixed("SigmoidDerivative", "3.3.9", "exp(-x)*sigmoid(x)^2")
            .Computes(x => Sigmoid(x) * Sigmoid(-x))
            .Noted("= s*(1-s)"),
        Fixed("Gish", "3.3.10", "x*log(2-exp(-exp(x)))")
            .Computes(x => x * Log1p(-Expm1(-BoundedExp(x)))),
        Fixed("Logish", "3.3.11", "x*log(1+sigmoid(x))")
            .Computes(x => x * Log1p(Sigmoid(x))),
        Fixed("LogLogish", "3.3.12", "x*(1-exp(-exp(x)))")
            .Computes(x => -x * Expm1(-BoundedExp(x))),
        Fixed("ExpExpish", "3.3.13", "x*exp(-exp(-x))")
            .Computes(x => x * Exp(-BoundedExp(-x))),
        Fixed("SelfArctan", "3.3.14", "x*atan(x)")
            .Computes(x => x * Atan(x)),
        Fixed("PLogish", "3.3.15", "a*x*log(1+sigmoid(b*x))", Constant("a", 1), Constant("b", 10))
            .Computes((x, a, b) => a * x * Log1p(Sigmoid(b * x))),
        Fixed("Phish", "3.3.16", "x*tanh(gelu(x))")
            .Computes(x => x * Tanh(Gelu(x))),
        Fixed("Suish", "3.3.17", "max(x,x*exp(-abs(x)))")
            .Computes(x => Max(x, x * Exp(-Abs(x)))),
        Fixed("TSReLU", "3.3.18", "x*tanh(sigmoid(x))")
            .Computes(x => x * Tanh(Sigmoid(x))),
        Fixed("TBSReLU", "3.3.19", "x*tanh(2*sigmoid(x)-1)")
            .Computes(x => x * Tanh(2 * Sigmoid(x) - 1)),
        Fixed("LogSigmoid", "3.3.20", "-softplus(-x)")
            .Computes(x => -Softplus(-x)),
        Fixed("DSiLU", "3.3.21", "sigmoid(x)*(1+x*(1-sigmoid(x)))")
            .Computes(x => Sigmoid(x) * (1 + x * Sigmoid(-x)))
            .Noted("derivative of SiLU"),
        Fixed("DoubleSiLU", "3.3.22", "x*sigmoid(x*sigmoid(x))")
            .Computes(x => x * Sigmoid(Silu(x))),
        Fixed("MSiLU", "3.3.23", "x*sigmoid(x)+exp(-x^2-1)/4")
            .Computes(x => Silu(x) + Exp(-Square(x) - 1) / 4),
        Fixed("TSiLU", "3.3.24", "tanh(x*sigmoid(x))")
            .Computes(x => Tanh(Silu(x)))
            .Noted("formula corrected by the survey authors"),
        Fixed("ASiLU", "3.3.25", "atan(x*sigmoid(x))")
            .Computes(x => Atan(Silu(x))),
        Fixed("SwAT", "3.3.26", "x*sigmoid(atan(x))")
            .Computes(x => x * Sigmoid(Atan(x))),
        Fixed("ReHSec", "3.3.27", "x*sech(x)")
            .Computes(x => x * Sech(x)),
        Fixed("LiSHT", "3.3.28", "x*tanh(x)")
            .Computes(x => x * Tanh(x)),
        Fixed("Mish", "3.3.29", "x*tanh(softplus(x))")
            .Computes(x => Mish(x)),
        Fixed("Smish", "3.3.30", "a*x*tanh(log(1+sigmoid(b*x)))", Constant("a", 1), Constant("b", 1))
            .Computes((x, a, b) => a * x * Tanh(Log1p(Sigmoid(b * x)))),
        Fixed("TanhExp", "3.3.31", "x*tanh(exp(x))")
            .Computes(x => x * Tanh(BoundedExp(x)))
            .Noted("also published as TeLU (2024)"),
        Fixed("Serf", "3.3.32", "x*erf(softplus(x))")
            .Computes(x => x * Erf(Softplus(x))),
        Fixed("EANAF", "3.3.33", "x*exp(x)/(exp(x)+2)")
            .Computes(x => x * Sigmoid(x - Ln2))
            .Noted("= x*tanh(softplus(x)/2)"),
        Fixed("SinSig", "3.3.34", "x*sin(pi/2*sigmoid(x))")
            .Computes(x => x * Sin(Pi / 2 * Sigmoid(x))),
        Fixed("SiELU", "3.3.35", "x*sigmoid(2*sqrt(2/pi)*(x+0.044715*x^3))")
            .Computes(x => x * Sigmoid(2 * Math.Sqrt(2 / Pi) * (x + 0.044715 * Pow(x, 3))))
            .Noted("identical to GELUTanh"),
        Fixed("GLU", "3.4", "x*sigmoid(y)")
            .Gates((x, y) => x * Sigmoid(y)),
        Fixed("GTU", "3.4.1", "tanh(x)*sigmoid(y)")
            .Gates((x, y) => Tanh(x) * Sigmoid(y)),
        Fixed("ReGLU", "3.4.2", "x*relu(y)")
            .Gates((x, y) => x * Relu(y)),
        Fixed("GEGLU", "3.4.3", "x*gelu(y)")
            .Gates((x, y) => x * Gelu(y)),
        Adaptive("SwiGLU", "3.4.4", "x*y*sigmoid(b*y)", Trainable("b", 1))
            .Gates((x, y, b) => x * Swish(y, b)),
        Fixed("Softmax", "3.5", "exp(x)/sum(exp(x))")
            .AlongAxis((x, axis) => x.softmax(axis)),
        Fixed("BetaSoftmax", "3.5.1", "exp(b*x)/sum(exp(b*x))", Constant("b", 2, Ours))
            .AlongAxis((x, axis, b) => (b * x).softmax(axis))
            .Noted("b is a random positive integer in the source"),
    ];
}
