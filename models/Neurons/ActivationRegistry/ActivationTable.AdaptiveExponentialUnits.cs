using static TorchZoo.Models.Neurons.ActivationMath;

namespace TorchZoo.Models.Neurons;

/// <content>Adaptive relatives of ELU: the survey's sections 4.2.43 to 4.2.62.</content>
internal static partial class ActivationTable
{
    private static ActivationSpec[] AdaptiveExponentialUnits =>
    [
        Adaptive("PELU", "4.2.43", "where(x>=0,a/b*x,a*(exp(x/b)-1))", Trainable("a", 1, min: 0.1), Trainable("b", 1, min: 0.1))
            .Computes((x, a, b) => Where(x >= 0, a / b * x, a * Expm1(Below(x) / b)))
            .Positive("a", "b")
            .Noted("keep a,b>=0.1"),
        Adaptive("EDELU", "4.2.44", "where(x>=c,x,(exp(a*x)-1)/b)", Trainable("a", 1, Ours), Trainable("b", 1, Ours),
            Trainable("c", 0, Ours))
            .Computes((x, a, b, c) => Where(x >= c, x, Expm1(a * Min(x, c)) / b))
            .NonZero("b")
            .Noted("continuous iff b*c=exp(a*c)-1"),
        Adaptive("LReLUELUBlend", "4.2.45", "a*where(x>=0,x,0.01*x)+(1-a)*elu(x)", Trainable("a", 0.5, Ours))
            .Computes((x, a) => Mix(a, Where(x >= 0, x, 0.01 * x), Elu(x))),
        Adaptive("PReLUPELUGate", "4.2.45", "sigmoid(a*x)*where(x>=0,x,p*x)+(1-sigmoid(a*x))*where(x>=0,b/c*x,b*(exp(x/c)-1))",
            Trainable("a", 1, Ours), Trainable("p", 0.25, Ours), Trainable("b", 1, Ours), Trainable("c", 1, Ours, min: 0.1))
            .Computes((x, a, p, b, c) => Mix(Sigmoid(a * x), Where(x >= 0, x, p * x), Where(x >= 0, b / c * x, b * Expm1(Below(x) / c))))
            .Positive("c"),
        Adaptive("FELU", "4.2.46", "where(x>=0,x,a*(2^(x/log(2))-1))", Trainable("a", 1, Ours))
            .Computes((x, a) => Where(x >= 0, x, a * Expm1(Below(x)))),
        Adaptive("PFELU", "4.2.47", "where(x>=0,x,a*(2^(x/log(2))-1))+b", Trainable("a", 1, Ours), Trainable("b", 0, Ours))
            .Computes((x, a, b) => Where(x >= 0, x, a * Expm1(Below(x))) + b)
            .Noted("P+FELU"),
        Adaptive("MPELU", "4.2.48", "where(x>=0,x,a*(exp(b*x)-1))", Trainable("a", 1, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => Where(x >= 0, x, a * Expm1(b * Below(x)))),
        Adaptive("PE2ReLU", "4.2.49", "a*relu(x)+b*elu(x)-(1-a-b)*elu(-x)", Trainable("a", 0.4), Trainable("b", 0.3))
            .Computes((x, a, b) => a * Relu(x) + b * Elu(x) - (1 - a - b) * Elu(-x)),
        Adaptive("PE2Id", "4.2.49", "a*x+(1-a)*(elu(x)-elu(-x))", Trainable("a", 0.5))
            .Computes((x, a) => Mix(a, x, Elu(x) - Elu(-x))),
        Adaptive("SoftExponential", "4.2.50", "where(a<0,-log(1-a*(x+a))/a,where(a>0,(exp(a*x)-1)/a+a,x))", Trainable("a", 0.5, Ours))
            .Computes((x, a) => SoftExponential(x, a))
            .Noted("a=0 identity, 1 exp, -1 log (domain)"),
        Adaptive("CELU", "4.2.51", "where(x>=0,x,a*(exp(x/a)-1))", Trainable("a", 1))
            .Computes((x, a) => Where(x >= 0, x, a * Expm1(Below(x) / a)))
            .NonZero("a"),
        Adaptive("ErfReLU", "4.2.52", "where(x>=0,x,a*erf(x))", Trainable("a", 1, Ours))
            .Computes((x, a) => Where(x >= 0, x, a * Erf(x))),
        Adaptive("PSELU", "4.2.53", "where(x>=0,a*x,a*b*(exp(x)-1))", Trainable("a", SeluParameters.Lambda, Ours),
            Trainable("b", SeluParameters.Alpha, Ours))
            .Computes((x, a, b) => Where(x >= 0, a * x, a * b * Expm1(Below(x)))),
        Adaptive("LPSELU", "4.2.54", "where(x>=0,a*x,a*b*(exp(x)-1)+c*x)", Trainable("a", SeluParameters.Lambda, Ours),
            Trainable("b", SeluParameters.Alpha, Ours), Trainable("c", 0.1, Ours))
            .Computes((x, a, b, c) => Where(x >= 0, a * x, a * b * Expm1(Below(x)) + c * x)),
        Adaptive("LPSELURP", "4.2.55", "where(x>=0,a*x,a*b*(exp(x)-1)+c*x)+m", Trainable("a", SeluParameters.Lambda, Ours),
            Trainable("b", SeluParameters.Alpha, Ours), Trainable("c", 0.1, Ours), Trainable("m", 0, Ours))
            .Computes((x, a, b, c, m) => Where(x >= 0, a * x, a * b * Expm1(Below(x)) + c * x) + m),
        Fixed("ShELU", "4.2.56", "where(x+b>=0,x+b,a*(exp(x+b)-1))", Constant("a", 1, Ours), Constant("b", 0, Ours))
            .Computes((x, a, b) => Where(x + b >= 0, x + b, a * Expm1(Below(x + b)))),
        Fixed("SvELU", "4.2.56", "where(x>=0,x,a*(exp(x)-1))+b", Constant("a", 1, Ours), Constant("b", 0, Ours))
            .Computes((x, a, b) => Where(x >= 0, x, a * Expm1(Below(x))) + b),
        Adaptive("PShELU", "4.2.56", "where(x+c>=0,a/b*(x+c),a*(exp((x+c)/b)-1))", Trainable("a", 1, Ours),
            Trainable("b", 1, Ours, min: 0.1), Trainable("c", 0, Ours))
            .Computes((x, a, b, c) => Where(x + c >= 0, a / b * (x + c), a * Expm1(Below(x + c) / b)))
            .Positive("b"),
        Adaptive("PSvELU", "4.2.56", "where(x>=0,a/b*x,a*(exp(x/b)-1))+c", Trainable("a", 1, Ours), Trainable("b", 1, Ours, min: 0.1),
            Trainable("c", 0, Ours))
            .Computes((x, a, b, c) => Where(x >= 0, a / b * x, a * Expm1(Below(x) / b)) + c)
            .Positive("b"),
        Adaptive("TSwish", "4.2.57", "where(x>=c,x,a*x*sigmoid(b*x))", Trainable("a", 1, Ours), Trainable("b", 1, Ours),
            Trainable("c", 0, Ours))
            .Computes((x, a, b, c) => Where(x >= c, x, a * Swish(x, b))),
        Adaptive("PDELU", "4.2.59", "where(x>=0,x,a*(max(1+(1-b)*x,0)^(1/(1-b))-1))", Trainable("a", 1, Ours), Constant("b", 0.9))
            .Computes((x, a, b) => Where(x >= 0, x, a * (DeformedExp(Below(x), 1 - b) - 1)))
            .Noted("b->1 gives a*(exp(x)-1)"),
        Adaptive("EELU", "4.2.60", "where(x>=0,x,a*(exp(b*x)-1))", Trainable("a", 1, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => Where(x >= 0, x, a * Expm1(b * Below(x))))
            .InTraining((x, noise, a, b) => Where(x >= 0, noise.Elastic() * x, a * Expm1(b * Below(x))), scale: 0.1)
            .Noted("evaluation mode; training: k*x for x>=0, k~N(1,s^2) truncated to [0,2], s~U(0,eps), eps 0.1-0.2"),
        Adaptive("PFPLUS", "4.2.61", "where(x>=0,a*x,a*x/(1-b*min(x,0)))", Trainable("a", 1, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => Where(x >= 0, a * x, a * x / (1 - b * Below(x))))
            .Noted("a*x*(1-b*x)^(H(x)-1)"),
        Adaptive("PVLU", "4.2.62", "relu(x)+a*sin(b*x)", Trainable("a", 1, Ours), Trainable("b", 1, Ours))
            .Computes((x, a, b) => Relu(x) + a * Sin(b * x)),
    ];
}
