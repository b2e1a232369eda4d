using static TorchZoo.Models.Neurons.ActivationMath;

namespace TorchZoo.Models.Neurons;

/// <content>Adaptive sigmoids and gates: the survey's sections 4.3 and 4.4.</content>
internal static partial class ActivationTable
{
    private static ActivationSpec[] AdaptiveGates =>
    [
        Adaptive("AutotunedSigmoid", "4.3", "2/a*(1-exp(-a*x))/(1+exp(-a*x))", Trainable("a", 1, Ours))
            .Computes((x, a) => 2 / a * Tanh(a * x / 2))
            .NonZero("a")
            .Noted("Yamada-Yabuta; = (2/a)*tanh(a*x/2)"),
        Adaptive("GeneralizedTanh", "4.3.1", "a*(1-exp(-b*x))/(1+exp(-b*x))", Trainable("a", 1, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => a * Tanh(b * x / 2))
            .Noted("= a*tanh(b*x/2)"),
        Adaptive("TrainableAmplitude", "4.3.2", "a*tanh(x)+b", Trainable("a", 1, Ours), Trainable("b", 0, Ours))
            .Computes((x, a, b) => a * Tanh(x) + b)
            .Noted("any g; tanh here"),
        Adaptive("ASSF", "4.3.3", "sigmoid(a*x)", Trainable("a", 1, Ours))
            .Computes((x, a) => Sigmoid(a * x)),
        Adaptive("SVAF", "4.3.4", "tanh(a*x)", Trainable("a", 1, Ours))
            .Computes((x, a) => Tanh(a * x)),
        Adaptive("TanhSoft", "4.3.5", "tanh(a*x+b*exp(c*x))*log(d+exp(x))", Trainable("a", 0.5, Ours, max: 1),
            Trainable("b", 0.5, Ours, min: 0), Trainable("c", 1, Ours, min: 1e-6), Trainable("d", 1, Ours, min: 0, max: 1))
            .Computes((x, a, b, c, d) => Tanh(a * x + b * BoundedExp(c * x)) * LogPlusExp(d, x))
            .NonNegative("d")
            .Noted("a<=1, b>=0, c>0, 0<=d<=1"),
        Adaptive("TanhSoft1", "4.3.5", "tanh(a*x)*softplus(x)", Trainable("a", 0.87, Ours))
            .Computes((x, a) => Tanh(a * x) * Softplus(x)),
        Adaptive("TanhSoft2", "4.3.5", "x*tanh(b*exp(c*x))", Trainable("b", 0.75, Ours), Trainable("c", 0.75, Ours))
            .Computes((x, b, c) => x * Tanh(b * BoundedExp(c * x))),
        Adaptive("TanhSoft3", "4.3.5", "log(1+exp(x)*tanh(a*x))", Trainable("a", 0.85, Ours, min: 0, max: 1))
            .Computes((x, a) => Where(x >= 0, x + LogOf(Exp(-Above(x)) + Tanh(a * x)), Log1p(Exp(Below(x)) * Tanh(a * x))))
            .Noted("argument stays positive iff exp(x)*tanh(a*x)>-1 (true for 0<a<=1)"),
        Adaptive("PSigmoid", "4.3.6", "a*sigmoid(b*x)", Trainable("a", 1, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => a * Sigmoid(b * x)),
        Adaptive("PSF", "4.3.7", "(1+exp(-x))^(-m)", Trainable("m", 1, Ours))
            .Computes((x, m) => Exp(-m * Softplus(-x))),
        Adaptive("STACTanh", "4.3.8", "where(x>a,tanh(a)+b*(x-a),where(x<-a,-tanh(a)+b*(x+a),tanh(x)))", Trainable("a", 1, Ours),
            Trainable("b", 0.1, Ours))
            .Computes((x, a, b) => Where(x > a, Tanh(a) + b * (x - a), Where(x < -a, -Tanh(a) + b * (x + a), Tanh(x)))),
        Adaptive("Swish", "4.4.1", "x*sigmoid(a*x)", Trainable("a", 1))
            .Computes((x, a) => Swish(x, a))
            .Noted("alias ACON-A, PSiLU"),
        Adaptive("AHAF", "4.4.2", "a*x*sigmoid(b*x)", Trainable("a", 1, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => a * Swish(x, b)),
        Adaptive("PSSiLU", "4.4.3", "x*(sigmoid(a*x)-b)/(1-b)", Trainable("a", 1, Ours), Trainable("b", 0.1, Ours))
            .Computes((x, a, b) => (Swish(x, a) - b * x) / (1 - b))
            .Requires("b != 1", p => p["b"] != 1)
            .Noted("singular at b=1"),
        Fixed("ESwish", "4.4.4", "a*x*sigmoid(x)", Constant("a", 1.5, Ours))
            .Computes((x, a) => a * Silu(x))
            .Noted("a in [1,2]"),
        Adaptive("ACONB", "4.4.5", "(1-b)*x*sigmoid(a*(1-b)*x)+b*x", Trainable("a", 1), Trainable("b", 0.25))
            .Computes((x, a, b) => (1 - b) * Swish(x, a * (1 - b)) + b * x),
        Adaptive("ACONC", "4.4.6", "(c-b)*x*sigmoid(a*(c-b)*x)+b*x", Trainable("a", 1), Trainable("b", 0), Trainable("c", 1))
            .Computes((x, a, b, c) => (c - b) * Swish(x, a * (c - b)) + b * x)
            .Noted("official code draws c,b ~ N(0,1) per channel"),
        Adaptive("PSGU", "4.4.7", "x*tanh(a*sigmoid(x))", Trainable("a", 0.5))
            .Computes((x, a) => x * Tanh(a * Sigmoid(x)))
            .Noted("alias TSReLUl"),
        Adaptive("TBSReLUl", "4.4.8", "x*tanh(a*(2*sigmoid(x)-1))", Trainable("a", 0.5))
            .Computes((x, a) => x * Tanh(a * (2 * Sigmoid(x) - 1))),
        Fixed("PATS", "4.4.9", "x*atan(a*pi*sigmoid(x))", Constant("a", 0.625))
            .Computes((x, a) => x * Atan(a * Pi * Sigmoid(x)))
            .InTraining((x, noise, a) => x * Atan(noise.Around(a) * Pi * Sigmoid(x)), scale: 0.125)
            .Noted("training: a~U(0.5,0.75)"),
        Adaptive("AQuLU", "4.4.10", "where(x>=(1-b)/a,x,where(x>=-b/a,a*x^2+b*x,0))", Trainable("a", 0.25, Ours, min: 1e-3),
            Trainable("b", 0.5, Ours))
            .Computes((x, a, b) => Where(x >= (1 - b) / a, x, Where(x >= -b / a, a * Square(x) + b * x, 0)))
            .Positive("a"),
        Adaptive("SinLU", "4.4.11", "(x+a*sin(b*x))*sigmoid(x)", Trainable("a", 1, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => (x + a * Sin(b * x)) * Sigmoid(x)),
        Adaptive("ErfAct", "4.4.12", "x*erf(a*exp(b*x))", Trainable("a", 0.75, Ours), Trainable("b", 0.75, Ours))
            .Computes((x, a, b) => x * Erf(a * BoundedExp(b * x))),
        Adaptive("PSerf", "4.4.13", "x*erf(a*log(1+exp(b*x)))", Trainable("a", 1.25, Ours), Trainable("b", 0.85, Ours))
            .Computes((x, a, b) => x * Erf(a * Softplus(b * x))),
        Fixed("Swim", "4.4.14", "x/2*(1+a*x/sqrt(1+x^2))", Constant("a", 0.5))
            .Computes((x, a) => x / 2 * (1 + a * OverRoot(x))),
    ];
}
