using static TorchZoo.Models.Neurons.ActivationMath;

namespace TorchZoo.Models.Neurons;

/// <content>Exponential, square and polynomial relatives of ELU: the survey's section 3.7.</content>
internal static partial class ActivationTable
{
    private static ActivationSpec[] ExponentialUnits =>
    [
        Fixed("Maxsig", "3.7", "max(x,sigmoid(x))")
            .Computes(x => Max(x, Sigmoid(x))),
        Fixed("ThLU", "3.7.1", "where(x>=0,x,tanh(x/2))")
            .Computes(x => Where(x >= 0, x, Tanh(x / 2))),
        Fixed("MaxTanh", "3.7.1", "max(x,tanh(x))")
            .Computes(x => Max(x, Tanh(x))),
        Fixed("DualELU", "3.7.2", "elu(x)-elu(y)")
            .Gates((x, y) => Elu(x) - Elu(y)),
        Fixed("DiffELU", "3.7.3", "where(x>=0,x,a*(x*exp(x)-b*exp(b*x)))", Constant("a", 0.3), Constant("b", 0.1))
            .Computes((x, a, b) => Where(x >= 0, x, a * (x * Exp(Below(x)) - b * Exp(b * Below(x)))))
            .Noted("jump of -a*b at 0"),
        Fixed("PolyLU", "3.7.4", "where(x>=0,x,1/(1-x)-1)")
            .Computes(x => Where(x >= 0, x, 1 / (1 - Below(x)) - 1))
            .Noted("alias FPLUS; pole of the unused branch at x=1"),
        Fixed("IpLU", "3.7.5", "where(x>=0,x,x/(1+abs(x)^a))", Constant("a", 1, Ours))
            .Computes((x, a) => Where(x >= 0, x, x / (1 + Pow(Abs(x), a))))
            .Positive("a")
            .Noted("survey prints 1/(1+|x|^a), discontinuous at 0; factor x restored"),
        Fixed("PoLU", "3.7.6", "where(x>=0,x,(1-min(x,0))^(-a)-1)", Constant("a", 1.5))
            .Computes((x, a) => Where(x >= 0, x, Pow(1 - Below(x), -a) - 1))
            .Positive("a")
            .Noted("a in {1,1.5,2}; a=1 is PolyLU"),
        Fixed("PFLU", "3.7.7", "x/2*(1+x/sqrt(1+x^2))")
            .Computes(x => x / 2 * (1 + OverRoot(x))),
        Fixed("FPFLU", "3.7.8", "where(x>=0,x,x+x^2/sqrt(1+x^2))")
            .Computes(x => Where(x >= 0, x, x + x * OverRoot(x))),
        Adaptive("EACU", "3.7.9", "where(x>=0,x,a*x*tanh(softplus(a*x)))", Trainable("a", 1, Ours))
            .Computes((x, a) => Where(x >= 0, x, a * Mish(x, a)))
            .InTraining((x, noise, a) => Where(x >= 0, noise.Gain() * x, a * Mish(x, a)), scale: 0.1)
            .Noted("evaluation mode; training multiplies x>=0 by b, b~N(0,0.01) kept only if 0.5<b<1.5 else 1"),
        Fixed("LipschitzReLU", "3.7.10", "where(x>0,max(x,0),min(a*x,0))", Constant("a", 0.1, Ours))
            .Computes((x, a) => Where(x > 0, Relu(x), Below(a * x)))
            .Noted("general form max(phi(x),0) / min(mu(x),0); here phi=x, mu=a*x, a = Lipschitz-derived slope"),
        Fixed("SELU", "3.7.11", "s*where(x>=0,x,a*(exp(x)-1))", Constant("s", SeluParameters.Lambda),
            Constant("a", SeluParameters.Alpha))
            .Computes((x, s, a) => s * Where(x >= 0, x, a * Expm1(Below(x)))),
        Fixed("LSELU", "3.7.12", "where(x>=0,s*x,s*a*(exp(x)-1)+s*c*x)", Constant("s", SeluParameters.Lambda),
            Constant("a", SeluParameters.Alpha), Constant("c", 0.1, Ours))
            .Computes((x, s, a, c) => Where(x >= 0, s * x, s * a * Expm1(Below(x)) + s * c * x)),
        Fixed("SERLU", "3.7.13", "s*where(x>=0,x,a*x*exp(x))", Constant("s", 1.07862), Constant("a", 2.90427))
            .Computes((x, s, a) => s * Where(x >= 0, x, a * x * Exp(Below(x)))),
        Fixed("SSELU", "3.7.14", "s*where(x>=0,x,a*(exp(c*x)-1))", Constant("s", SeluParameters.Lambda),
            Constant("a", SeluParameters.Alpha), Constant("c", 1, Ours))
            .Computes((x, s, a, c) => s * Where(x >= 0, x, a * Expm1(c * Below(x)))),
        Fixed("RSigELU", "3.7.15", "where(x>1,x*sigmoid(x)*a+x,where(x>=0,x,a*(exp(x)-1)))", Constant("a", 0.5, Ours))
            .Computes((x, a) => Where(x > 1, x * Sigmoid(x) * a + x, Where(x >= 0, x, a * Expm1(Below(x)))))
            .Noted("jump at x=1; a=0 gives ReLU"),
        Fixed("HardSReLUE", "3.7.16", "where(x>=0,a*x*clip((x+1)/2,0,1)+x,a*(exp(x)-1))", Constant("a", 0.5, Ours))
            .Computes((x, a) => Where(x >= 0, a * x * Clip((x + 1) / 2, 0, 1) + x, a * Expm1(Below(x)))),
        Fixed("ELiSH", "3.7.17", "where(x>=0,x,exp(x)-1)*sigmoid(x)")
            .Computes(x => Where(x >= 0, x, Expm1(Below(x))) * Sigmoid(x)),
        Fixed("HardELiSH", "3.7.18", "where(x>=0,x,exp(x)-1)*clip((x+1)/2,0,1)")
            .Computes(x => Where(x >= 0, x, Expm1(Below(x))) * Clip((x + 1) / 2, 0, 1))
            .Noted("survey prints (1+exp(-x)) for x<0; original has exp(x)-1"),
        Fixed("RSigELUD", "3.7.19", "where(x>1,x*sigmoid(x)*a+x,where(x>=0,x,b*(exp(x)-1)))", Constant("a", 0.5, Ours),
            Constant("b", 0.3, Ours))
            .Computes((x, a, b) => Where(x > 1, x * Sigmoid(x) * a + x, Where(x >= 0, x, b * Expm1(Below(x))))),
        Fixed("LSReLU", "3.7.20", "where(x<=0,x/(1+abs(x)),where(x<=b,x,log(a*max(x,0)+1)+abs(log(a*b+1)-b)))", Constant("a", 1, Ours),
            Constant("b", 1, Ours))
            .Computes((x, a, b) => Where(x <= 0, Softsign(x), Where(x <= b, x, Log1p(a * Relu(x)) + Abs(Log1p(a * b) - b))))
            .Positive("a", "b"),
    ];
}
