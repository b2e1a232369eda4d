using static TorchZoo.Models.Neurons.ActivationMath;

namespace TorchZoo.Models.Neurons;

/// <content>Square-based, periodic and other fixed shapes: the survey's sections 3.8 to 3.48.</content>
internal static partial class ActivationTable
{
    private static ActivationSpec[] FixedShapes =>
    [
        Fixed("SQNL", "3.8.1", "where(x>2,1,where(x<-2,-1,x-sign(x)*x^2/4))")
            .Computes(x => Where(x > 2, 1, Where(x < -2, -1, x - Sign(x) * Square(x) / 4))),
        Fixed("SQLU", "3.8.2", "where(x>0,x,where(x>=-2,x+x^2/4,-1))")
            .Computes(x => Where(x > 0, x, Where(x >= -2, x + Square(x) / 4, -1))),
        Fixed("Squish", "3.8.3", "where(x>0,x+x^2/32,where(x>=-2,x+x^2/2,0))")
            .Computes(x => Where(x > 0, x + Square(x) / 32, Where(x >= -2, x + Square(x) / 2, 0))),
        Fixed("SqREU", "3.8.4", "where(x>0,x,where(x>=-2,x+x^2/2,0))")
            .Computes(x => Where(x > 0, x, Where(x >= -2, x + Square(x) / 2, 0))),
        Fixed("SqSoftplus", "3.8.5", "where(x>0.5,x,where(x>=-0.5,(x+0.5)^2/2,0))")
            .Computes(x => Where(x > 0.5, x, Where(x >= -0.5, Square(x + 0.5) / 2, 0)))
            .Noted("survey print has an extra x in the middle piece; this is the continuous original"),
        Fixed("LogSQNL", "3.8.6", "where(x>2,1,where(x<-2,0,0.5*(x-sign(x)*x^2/4)+0.5))")
            .Computes(x => Where(x > 2, 1, Where(x < -2, 0, 0.5 * (x - Sign(x) * Square(x) / 4) + 0.5))),
        Fixed("SQMAX", "3.8.7", "(x+c)^2/sum((x+c)^2)", Constant("c", 4))
            .AlongAxis((x, axis, c) => Shares(Square(x + c), axis)),
        Fixed("LinQ", "3.8.8", "where(abs(x)<2-2*a,x*(4-abs(x))/4,a*x+sign(x)*(1-2*a+a^2))", Constant("a", 0.1, Ours))
            .Computes((x, a) => Where(Abs(x) < 2 - 2 * a, x * (4 - Abs(x)) / 4, a * x + Sign(x) * (1 - 2 * a + Square(a))))
            .Noted("constants fixed by continuity at |x|=2-2a"),
        Fixed("ISRLU", "3.8.9", "where(x>=0,x,x/sqrt(1+a*x^2))", Constant("a", 1))
            .Computes((x, a) => Where(x >= 0, x, x / Sqrt(1 + a * Square(x))))
            .NonNegative("a"),
        Fixed("ISRU", "3.8.10", "x/sqrt(1+a*x^2)", Constant("a", 1, Ours))
            .Computes((x, a) => x / Sqrt(1 + a * Square(x)))
            .NonNegative("a"),
        Fixed("MEF", "3.8.11", "x/sqrt(1+x^2)+0.5")
            .Computes(x => OverRoot(x) + 0.5),
        Fixed("SQRT", "3.9", "sign(x)*sqrt(abs(x))")
            .Computes(x => Sign(x) * RootOfAbs(x)),
        Fixed("SSAF", "3.9", "sign(x)*sqrt(2*a*abs(x))", Constant("a", 1, Ours))
            .Computes((x, a) => Sign(x) * RootOfAbs(2 * a * x))
            .NonNegative("a"),
        Fixed("BentIdentity", "3.10", "(sqrt(x^2+1)-1)/2+x")
            .Computes(x => (Sqrt(Square(x) + 1) - 1) / 2 + x),
        Fixed("Mishra", "3.11", "0.5*(x/(1+abs(x)))^2+0.5*x/(1+abs(x))")
            .Computes(x => 0.5 * Square(Softsign(x)) + 0.5 * Softsign(x)),
        Fixed("SBAF", "3.12", "1/(1+k*x^a*(1-x)^(1-a))", Constant("k", 0.98), Constant("a", 0.5))
            .Computes((x, k, a) =>
                Where((x >= 0) & (x <= 1), 1 / (1 + k * Pow(Clip(x, 0, 1), a) * Pow(1 - Clip(x, 0, 1), 1 - a)), double.NaN))
            .Noted("domain 0<=x<=1 only, NaN outside"),
        Fixed("LAF", "3.13", "sign(x)*log(1+abs(x))")
            .Computes(x => Where(x >= 0, Log1p(Above(x)), -Log1p(-Below(x))))
            .Noted("alias symlog"),
        Fixed("Symexp", "3.14", "sign(x)*(exp(abs(x))-1)")
            .Computes(x => Where(x >= 0, Expm1(Above(x)), -Expm1(-Below(x))))
            .Noted("inverse of symlog"),
        Fixed("SPOCU", "3.15", "a*where(x/c+b>=0,(x/c+b)^3*((x/c+b)^5-2*(x/c+b)^4+2),x/c+b)-a*(b^3*(b^5-2*b^4+2))",
            Constant("a", 3.0937, Ours), Constant("b", 0.6653, Ours), Constant("c", 4.437, Ours))
            .Computes((x, a, b, c) => a * (Where(x / c + b >= 0, SpocuRise(x / c + b), x / c + b) - SpocuRise(b)))
            .NonZero("c")
            .Noted("h(t)=r(t)=t^3(t^5-2t^4+2) for 0<=t<d, r(d) above, t below 0; d=inf here (defaults from memory of the SPOCU paper)"),
        Fixed("PUAF", "3.16", "where(x>c,x^a,where(x<-c,0,x^a*(c+x)^b/((c+x)^b+(c-x)^b)))", Constant("a", 1), Constant("b", 5),
            Constant("c", 10))
            .Computes((x, a, b, c) =>
                Where(x > c, RealPow(x, a), Where(x < -c, 0, RealPow(x, a) * Sigmoid(b * (LogOf(c + x) - LogOf(c - x))))))
            .NonNegative("b", "c")
            .Noted("a=1,b=5,c=10 ~ swish; a=0 ~ sigmoid; a=1,b=0,c=0 = ReLU"),
        Fixed("Softplus", "3.17", "softplus(x)")
            .Computes(x => Softplus(x)),
        Fixed("PSoftplus", "3.18", "a*(softplus(x)-b)", Constant("a", 1.5), Constant("b", Ln2))
            .Computes((x, a, b) => a * (Softplus(x) - b)),
        Fixed("SoftPlusPlus", "3.18.1", "log(1+exp(a*x))+x/b-log(2)", Constant("a", 1), Constant("b", 2))
            .Computes((x, a, b) => Softplus(a * x) + x / b - Ln2)
            .NonZero("b")
            .Noted("Soft++"),
        Adaptive("RandSoftplus", "3.19", "(1-a)*relu(x)+a*softplus(x)", Statistic("a", 0.5))
            .Computes((x, a) => Mix(a, Softplus(x), Relu(x)))
            .Noted("a = noise level of the layer input"),
        Fixed("ArandaOrdaz", "3.20", "1-(1+a*exp(x))^(-1/a)", Constant("a", 2))
            .Computes((x, a) => -Expm1(-Softplus(x + Log(a)) / a))
            .Positive("a"),
        Fixed("BiFiring", "3.21", "where(abs(x)>a,abs(x)-a/2,x^2/(2*a))", Constant("a", 1, Ours))
            .Computes((x, a) => BiFire(x, a))
            .Positive("a")
            .Noted("bfire; a scaled Huber function"),
        Fixed("BoundedBiFiring", "3.22", "min(where(abs(x)>a,abs(x)-a/2,x^2/(2*a)),b)", Constant("a", 1, Ours), Constant("b", 1, Ours))
            .Computes((x, a, b) => Min(BiFire(x, a), b))
            .Positive("a"),
        Fixed("PiecewiseMexicanHat", "3.23", "2/sqrt(3)*pi^(-0.25)*where(x<0,(1-(x+a)^2)*exp(-(x+a)^2/2),(1-(x-a)^2)*exp(-(x-a)^2/2))",
            Constant("a", 4))
            .Computes((x, a) => Where(x < 0, MexicanHat(x + a), MexicanHat(x - a))),
        Fixed("PiecewiseRBF", "3.24", "where(x>=a,exp(-(x-2*a)^2/b^2),where(x<=-a,exp(-(x+2*a)^2/b^2),exp(-x^2/b^2)))", Constant("a", 3),
            Constant("b", 1))
            .Computes((x, a, b) => Where(x >= a, Bell((x - 2 * a) / b), Where(x <= -a, Bell((x + 2 * a) / b), Bell(x / b))))
            .NonZero("b"),
        Fixed("CombHSine", "3.25", "sinh(a*x)+asinh(a*x)", Constant("a", 1, Ours))
            .Computes((x, a) => Sinh(a * x) + Asinh(a * x)),
        Fixed("MArcsinh", "3.26", "asinh(x)*sqrt(abs(x))/12")
            .Computes(x => Asinh(x) * RootOfAbs(x) / 12),
        Fixed("HyperSinh", "3.27", "where(x>0,sinh(x)/3,x^3/4)")
            .Computes(x => Where(x > 0, Sinh(Above(x)) / 3, Pow(x, 3) / 4)),
        Fixed("Arctid", "3.28", "atan(x)^2-x")
            .Computes(x => Square(Atan(x)) - x),
        Fixed("SinePi", "3.29", "sin(pi*x)")
            .Computes(x => Sin(Pi * x)),
        Fixed("Sine", "3.29", "sin(x)")
            .Computes(x => Sin(x)),
        Fixed("Cosine", "3.30", "1-cos(x)")
            .Computes(x => 1 - Cos(x)),
        Fixed("Cosid", "3.31", "cos(x)-x")
            .Computes(x => Cos(x) - x),
        Fixed("Sinp", "3.32", "sin(x)-a*x", Constant("a", 1))
            .Computes((x, a) => Sin(x) - a * x),
        Fixed("GCU", "3.33", "x*cos(x)")
            .Computes(x => x * Cos(x)),
        Fixed("ASU", "3.34", "x*sin(x)")
            .Computes(x => x * Sin(x)),
        Fixed("Sinc", "3.35", "sinc(pi*x)")
            .Computes(x => Sinc(Pi * x))
            .Noted("normalised sinc"),
        Fixed("SSU", "3.35", "pi*sinc(x-pi)")
            .Computes(x => Pi * Sinc(x - Pi))
            .Noted("unnormalised sinc(u)=sin(u)/u; f(0)=0, slope 1 at 0"),
        Fixed("DSU", "3.36", "pi/2*(sinc(x-pi)-sinc(x+pi))")
            .Computes(x => Pi / 2 * (Sinc(x - Pi) - Sinc(x + Pi)))
            .Noted("unnormalised sinc; f(0)=0, slope 1"),
        Fixed("HcLSH", "3.37", "where(x>=0,log(cosh(x)+max(x,0)*cosh(x/2)),log(cosh(x))+x)")
            .Computes(x => Where(x >= 0, LogOfHcLshRise(Above(x)), Softplus(2 * Below(x)) - Ln2)),
        Fixed("Polyexp", "3.38", "(a*x^2+b*x+c)*exp(-d*x^2)", Constant("a", 1, Ours), Constant("b", 1, Ours), Constant("c", 1, Ours),
            Constant("d", 1, Ours))
            .Computes((x, a, b, c, d) => (a * Square(x) + b * x + c) * Exp(-d * Square(x))),
        Fixed("Exponential", "3.39", "exp(-x)")
            .Computes(x => Exp(-x)),
        Fixed("ETanh", "3.40", "a*exp(x)*tanh(x)", Constant("a", 1, Ours))
            .Computes((x, a) => a * Exp(x) * Tanh(x)),
        Fixed("EvolvedTanhReLU", "3.40.1", "a*tanh(x^2)+relu(x)", Constant("a", 1, Ours))
            .Computes((x, a) => a * Tanh(Square(x)) + Relu(x)),
        Fixed("Wave", "3.41", "(1-x^2)*exp(-a*x^2)", Constant("a", 1, Ours))
            .Computes((x, a) => (1 - Square(x)) * Exp(-a * Square(x))),
        Fixed("NCU", "3.42", "x-x^3")
            .Computes(x => x - Pow(x, 3)),
        Fixed("Triple", "3.43", "a*x^3", Constant("a", 1))
            .Computes((x, a) => a * Pow(x, 3)),
        Fixed("SQU", "3.44", "x^2+x")
            .Computes(x => Square(x) + x),
        Fixed("KWTA", "3.46", "where(x>=kmax(x,k),x,0)", Count("k", 2, Ours))
            .AlongAxis((x, axis, k) => KeepLargest(x, axis, k))
            .Requires("k is a whole number from 1", p => p["k"] >= 1 && p["k"] == Math.Floor(p["k"]))
            .Noted("keep the k largest entries of the vector"),
        Fixed("HCAF1", "3.48.1", "r*sigmoid(x)*(1-sigmoid(x))", Constant("r", 4))
            .Computes((x, r) => r * Sigmoid(x) * Sigmoid(-x))
            .Noted("first output; output j+1 = r*c_j*(1-c_j)"),
        Fixed("FCAFHidden", "3.48.2", "r*x*(1-x)+x+a-b/(2*pi)*sin(2*pi*x)", Constant("r", 4, Ours), Constant("a", 0.1, Ours),
            Constant("b", 0.5, Ours))
            .Computes((x, r, a, b) => CircleMap(x, r, a, b)),
        Fixed("FCAFOutput", "3.48.2", "r*x*(1-x)+x+a-b/(2*pi)*sin(2*pi*x)+exp(-c*x^2)+d", Constant("r", 4, Ours),
            Constant("a", 0.1, Ours), Constant("b", 0.5, Ours), Constant("c", 1, Ours), Constant("d", 0, Ours))
            .Computes((x, r, a, b, c, d) => CircleMap(x, r, a, b) + Exp(-c * Square(x)) + d),
        Fixed("CCAF", "3.48.3", "a*sin(pi*b*sin(pi*x))", Constant("a", 0.5, Ours), Constant("b", 0.5, Ours))
            .Computes((x, a, b) => a * Sin(Pi * b * Sin(Pi * x))),
    ];
}
